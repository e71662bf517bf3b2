//! A list with a bound.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::{fmt, marker::PhantomData, ops::Deref};

/// A list of at most `MAX` items. Read from the wire, it grows item by item: a claimed count over `MAX` is refused at
/// once, and one below it reserves nothing for items that have not arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List<T, const MAX: usize>(Vec<T>);

/// A list was full.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a list may hold {max} items at the most")]
pub struct ListError {
    /// The most items it may hold.
    pub max: usize,
}

impl<T, const MAX: usize> List<T, MAX> {
    /// An empty list.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Adds an item at the end.
    ///
    /// # Errors
    /// [`ListError`] where `MAX` items are in it; the item is dropped.
    pub fn push(&mut self, item: T) -> Result<(), ListError> {
        if self.is_full() {
            return Err(ListError { max: MAX });
        }
        self.0.push(item);
        Ok(())
    }

    /// Whether no further item fits.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.0.len() >= MAX
    }

    /// Empties the list and keeps its memory.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

impl<T, const MAX: usize> Default for List<T, MAX> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T, const MAX: usize> TryFrom<Vec<T>> for List<T, MAX> {
    type Error = ListError;
    fn try_from(items: Vec<T>) -> Result<Self, ListError> {
        if items.len() > MAX { Err(ListError { max: MAX }) } else { Ok(Self(items)) }
    }
}

impl<T, const MAX: usize> Deref for List<T, MAX> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<T, const MAX: usize> IntoIterator for List<T, MAX> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a, T, const MAX: usize> IntoIterator for &'a List<T, MAX> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl<T: Serialize, const MAX: usize> Serialize for List<T, MAX> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(&self.0)
    }
}

impl<'de, T: Deserialize<'de>, const MAX: usize> Deserialize<'de> for List<T, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor<T, const MAX: usize>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>, const MAX: usize> de::Visitor<'de> for Visitor<T, MAX> {
            type Value = List<T, MAX>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a list of at most {MAX} items")
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
                if items.size_hint().is_some_and(|claimed| claimed > MAX) {
                    return Err(de::Error::custom(ListError { max: MAX }));
                }
                let mut list = List::new();
                while let Some(item) = items.next_element()? {
                    list.push(item).map_err(de::Error::custom)?;
                }
                Ok(list)
            }
        }

        deserializer.deserialize_seq(Visitor(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use super::{List, ListError};

    #[test]
    fn a_full_list_takes_no_more_and_gives_all_it_has() {
        let mut list = List::<u8, 2>::new();
        list.push(1).unwrap();
        assert!(!list.is_full());
        list.push(2).unwrap();
        assert!(list.is_full());
        assert_eq!(list.push(3), Err(ListError { max: 2 }));
        assert_eq!(list.into_iter().collect::<Vec<_>>(), [1, 2]);
    }
}
