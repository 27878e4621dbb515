//! Rows in an order. Each is made when it is looked at: 50,000 of them at once would take 10 MB.

use std::cmp::Ordering;

use crate::check::row::Row;

/// Many rows, of which only the order is held.
pub struct Rows<'a> {
    order: Vec<u32>,
    make: Box<dyn Fn(usize) -> Row<'a> + 'a>,
}

impl std::fmt::Debug for Rows<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl<'a> Rows<'a> {
    /// The rows that `make` makes of the positions below `count`. It is asked for a row many times.
    pub fn new(count: usize, make: impl Fn(usize) -> Row<'a> + 'a) -> Self {
        Self {
            order: (0..u32::try_from(count).unwrap_or(u32::MAX)).collect(),
            make: Box::new(make),
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.order.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// All of them, in their order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Row<'a>> {
        self.order.iter().map(|at| self.row(*at))
    }

    /// Takes away the lists that could not be read: a table has hosts, routes and Secrets.
    pub fn drop_unread(&mut self) {
        let make = &self.make;
        self.order.retain(|at| make(*at as usize).unread().is_none());
    }

    fn row(&self, at: u32) -> Row<'a> {
        (self.make)(at as usize)
    }

    /// Sorts by a key that is made once for each row, and by `ties` what has the same one. What both find alike stays in
    /// its order.
    pub(super) fn sort_by<K: Ord>(
        &mut self,
        key: impl Fn(&Row<'a>) -> K,
        ties: impl Fn(&Row<'a>, &Row<'a>) -> Ordering,
    ) {
        let mut keyed: Vec<(K, u32)> = self.order.iter().map(|at| (key(&self.row(*at)), *at)).collect();
        keyed.sort_by(|(a, _), (b, _)| a.cmp(b));
        for alike in keyed.chunk_by_mut(|(a, _), (b, _)| a == b) {
            alike.sort_by(|(_, a), (_, b)| ties(&self.row(*a), &self.row(*b)));
        }
        for (place, (_, at)) in self.order.iter_mut().zip(keyed) {
            *place = at;
        }
    }
}

impl<'a> From<Vec<Row<'a>>> for Rows<'a> {
    fn from(rows: Vec<Row<'a>>) -> Self {
        Self::new(rows.len(), move |at| rows[at])
    }
}
