//! The records of one kind: by their places, and in the order of their creation.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use serde::{Deserialize, Serialize, Serializer};

use super::records::Record;

/// A shelf. A clone shares its records until one of the two changes them.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(from = "ByPlace")]
pub(super) struct Shelf {
    by_place: ByPlace,
    /// Which place a number in the order of creation has: long lists are read in this order, page
    /// by page.
    by_age: BTreeMap<u64, Arc<str>>,
}

type ByPlace = BTreeMap<Arc<str>, Arc<Record>>;

impl From<ByPlace> for Shelf {
    fn from(by_place: ByPlace) -> Self {
        let ages = by_place.iter();
        let by_age = ages.map(|(place, record)| (record.seq, place.clone()));
        Self {
            by_age: by_age.collect(),
            by_place,
        }
    }
}

impl Serialize for Shelf {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.by_place.serialize(serializer)
    }
}

impl Shelf {
    pub(super) fn get(&self, place: &str) -> Option<&Arc<Record>> {
        self.by_place.get(place)
    }

    pub(super) fn get_mut(&mut self, place: &str) -> Option<&mut Record> {
        self.by_place.get_mut(place).map(Arc::make_mut)
    }

    pub(super) fn insert(&mut self, place: &str, record: Record) {
        let place: Arc<str> = place.into();
        self.by_age.insert(record.seq, place.clone());
        if let Some(old) = self.by_place.insert(place, Arc::new(record)) {
            self.by_age.remove(&old.seq);
        }
    }

    pub(super) fn remove(&mut self, place: &str) -> Option<Arc<Record>> {
        let record = self.by_place.remove(place)?;
        self.by_age.remove(&record.seq);
        Some(record)
    }

    /// What is at places that start so, in the order of places.
    pub(super) fn under(&self, start: String) -> impl Iterator<Item = (&str, &Arc<Record>)> {
        self.by_place
            .range::<str, _>((Bound::Included(&*start), Bound::Unbounded))
            .map(|(place, record)| (&**place, record))
            .take_while(move |(place, _)| place.starts_with(&start))
    }

    /// What is at places that start so and was created after a number, the oldest first; or before
    /// it, the newest first.
    pub(super) fn by_age(
        &self,
        start: String,
        from: Option<u64>,
        ascending: bool,
    ) -> impl Iterator<Item = &Arc<Record>> {
        let from = from.map_or(Bound::Unbounded, Bound::Excluded);
        let ages: Box<dyn Iterator<Item = _>> = if ascending {
            Box::new(self.by_age.range((from, Bound::Unbounded)))
        } else {
            Box::new(self.by_age.range((Bound::Unbounded, from)).rev())
        };
        ages.filter(move |(_, place)| place.starts_with(&start))
            .filter_map(|(_, place)| self.by_place.get(place))
    }
}
