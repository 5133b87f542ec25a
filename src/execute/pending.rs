//! The calls that a machine has handed out and not had answered.

use std::collections::BTreeMap;

use crate::cloud::CallId;
use crate::resource::call::Call;

/// Calls with what each is for.
#[derive(Debug, Clone)]
pub(super) struct Pending<T> {
    next: u32,
    open: BTreeMap<CallId, T>,
}

impl<T> Default for Pending<T> {
    fn default() -> Self {
        Self {
            next: 0,
            open: BTreeMap::new(),
        }
    }
}

impl<T> Pending<T> {
    /// Notes a call.
    pub(super) fn add(&mut self, call: Call, purpose: T) -> (CallId, Call) {
        let id = CallId(self.next);
        self.next += 1;
        self.open.insert(id, purpose);
        (id, call)
    }

    /// What an answered call was for.
    pub(super) fn take(&mut self, id: CallId) -> Option<T> {
        self.open.remove(&id)
    }

    /// Whether every call is answered.
    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }
}
