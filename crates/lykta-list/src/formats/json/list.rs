//! An array within a record.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use super::value::Value;

/// The objects of an array, also of arrays within it: NIST's set nests its files one deeper. A single object
/// where the array should be is taken for one of one.
#[derive(Debug)]
pub(crate) struct List<T> {
    pub(crate) items: Vec<T>,
    /// Whether there is something that is neither object nor array nor `null`.
    pub(crate) has_others: bool,
}

impl<T> Default for List<T> {
    fn default() -> Self {
        Self { items: Vec::new(), has_others: false }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Objects(PhantomData))
    }
}

struct Objects<T>(PhantomData<T>);

impl<T> Objects<T> {
    fn other<E>() -> Result<List<T>, E> {
        Ok(List { items: Vec::new(), has_others: true })
    }
}

impl<'de, T: Deserialize<'de>> Visitor<'de> for Objects<T> {
    type Value = List<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of objects")
    }

    fn visit_unit<E>(self) -> Result<List<T>, E> {
        Ok(List::default())
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<List<T>, A::Error> {
        let item = T::deserialize(MapAccessDeserializer::new(map))?;
        Ok(List { items: vec![item], has_others: false })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<List<T>, A::Error> {
        let mut list = List::default();
        // Nested no deeper than the scan lets through.
        while let Some(mut inner) = seq.next_element::<List<T>>()? {
            list.items.append(&mut inner.items);
            list.has_others |= inner.has_others;
        }
        Ok(list)
    }

    fn visit_bool<E>(self, _: bool) -> Result<List<T>, E> {
        Self::other()
    }

    fn visit_u64<E>(self, _: u64) -> Result<List<T>, E> {
        Self::other()
    }

    fn visit_i64<E>(self, _: i64) -> Result<List<T>, E> {
        Self::other()
    }

    fn visit_f64<E>(self, _: f64) -> Result<List<T>, E> {
        Self::other()
    }

    fn visit_str<E>(self, text: &str) -> Result<List<T>, E> {
        // An empty text is how some exporters write that there is nothing.
        match Value::Text(text.into()).is_empty() {
            true => Ok(List::default()),
            false => Self::other(),
        }
    }
}
