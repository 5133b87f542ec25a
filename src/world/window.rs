//! Pages of lists: which part of a list a request names, and the token of the next.

use std::cmp::Ordering;

use data_encoding::BASE64;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::request::{Refusal, Request};

/// Where an item stands in a list: what it is sorted by, then the order of creation.
pub(super) type Place = (Rank, u64);

/// What a list is sorted by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum Rank {
    /// The order of creation alone, which is that of the times of creation.
    None,
    /// A time or another number that is not negative, by its bits.
    Bits(u64),
    /// A name or a status.
    Text(String),
}

/// A page, and the token of the next.
pub(super) type Page<T> = (Vec<T>, Option<String>);

/// What most services call the token.
const NEXT: &str = "NextToken";

/// The page that a request's size and `NextToken` name. A token names the last item shown, so that
/// what is deleted between two pages moves nothing.
pub(super) struct Window<'a> {
    op: &'a str,
    /// The oldest, or the first by its rank, comes first.
    pub(super) ascending: bool,
    size: usize,
    after: Option<Place>,
}

impl<'a> Window<'a> {
    /// The page of a list of `SageMaker`'s: the newest come first unless `SortOrder` says otherwise.
    pub(super) fn of(request: &Request<'a>, usual: usize) -> Result<Self, Refusal> {
        let ascending = request.text("SortOrder") == "Ascending";
        Self::named(request, ascending, ("MaxResults", NEXT), usual)
    }

    /// The page of a list of one order. `size` names the member that says how many are wanted.
    pub(super) fn ascending(
        request: &Request<'a>,
        size: &str,
        usual: usize,
    ) -> Result<Self, Refusal> {
        Self::named(request, true, (size, NEXT), usual)
    }

    /// The page of a list of IAM's, which calls the token a marker.
    pub(super) fn marked(request: &Request<'a>, usual: usize) -> Result<Self, Refusal> {
        Self::named(request, true, ("MaxItems", "Marker"), usual)
    }

    /// The page of a list for which a service has names of its own: of the member that says how many
    /// are wanted, and of the token.
    pub(super) fn named(
        request: &Request<'a>,
        ascending: bool,
        (size, token): (&str, &str),
        usual: usize,
    ) -> Result<Self, Refusal> {
        let size = request.get(size).and_then(Value::as_u64);
        let size = size.and_then(|max| usize::try_from(max).ok());
        let token = Some(request.text(token)).filter(|token| !token.is_empty());
        let after = token.map(|token| read_token(request.op, token));
        Ok(Self {
            op: request.op,
            ascending,
            size: size.unwrap_or(usual).max(1),
            after: after.transpose()?,
        })
    }

    /// The item after which the page begins.
    pub(super) fn after(&self) -> Option<&Place> {
        self.after.as_ref()
    }

    /// How two places follow each other on pages.
    fn order(&self, one: &Place, other: &Place) -> Ordering {
        let order = one.cmp(other);
        if self.ascending {
            order
        } else {
            order.reverse()
        }
    }

    /// The page out of everything, in any order.
    pub(super) fn whole<T>(
        &self,
        all: impl IntoIterator<Item = (Place, T)>,
    ) -> Result<Page<T>, Refusal> {
        self.page(all, |_| Ok(true))
    }

    /// The page out of everything that belongs to the list, in any order. Only as many are sorted
    /// and asked as it takes to fill the page: there may be many pages, and each is cut out of
    /// everything.
    pub(super) fn page<T>(
        &self,
        all: impl IntoIterator<Item = (Place, T)>,
        mut belongs: impl FnMut(&T) -> Result<bool, Refusal>,
    ) -> Result<Page<T>, Refusal> {
        let after = |place: &Place| match &self.after {
            Some(after) => self.order(after, place).is_lt(),
            None => true,
        };
        let mut left: Vec<_> = all.into_iter().filter(|(place, _)| after(place)).collect();
        let order = |one: &(Place, T), other: &(Place, T)| self.order(&one.0, &other.0);
        let mut batch = self.size + 1;
        let batches = std::iter::from_fn(|| {
            let rest = if left.len() > batch {
                left.select_nth_unstable_by(batch - 1, order);
                left.split_off(batch)
            } else {
                Vec::new()
            };
            batch *= 2;
            left.sort_by(order);
            Some(std::mem::replace(&mut left, rest)).filter(|sorted| !sorted.is_empty())
        });
        let (page, next) = self.read(
            batches.flatten(),
            |(place, _)| place.clone(),
            |(_, item)| belongs(item),
        )?;
        Ok((page.into_iter().map(|(_, item)| item).collect(), next))
    }

    /// The page out of what follows the last one, in its order. Only of the last one shown is it
    /// asked where it stands.
    pub(super) fn read<T>(
        &self,
        following: impl Iterator<Item = T>,
        place: impl Fn(&T) -> Place,
        mut belongs: impl FnMut(&T) -> Result<bool, Refusal>,
    ) -> Result<Page<T>, Refusal> {
        let mut page = Vec::new();
        for item in following {
            if !belongs(&item)? {
                continue;
            }
            if page.len() == self.size {
                let next = page.last().map(|last| write_token(self.op, &place(last)));
                return Ok((page, next));
            }
            page.push(item);
        }
        Ok((page, None))
    }
}

fn write_token(op: &str, place: &Place) -> String {
    BASE64.encode(json!([op, place]).to_string().as_bytes())
}

fn read_token(op: &str, token: &str) -> Result<Place, Refusal> {
    let bytes = BASE64.decode(token.as_bytes()).ok();
    bytes
        .and_then(|bytes| serde_json::from_slice::<(String, Place)>(&bytes).ok())
        .filter(|(of, _)| of == op)
        .map(|(_, place)| place)
        .ok_or_else(|| Refusal::invalid("Invalid pagination token."))
}
