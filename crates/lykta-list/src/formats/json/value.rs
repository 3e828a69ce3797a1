//! One field of a record, of whatever type it is: exporters differ in whether a number or a truth value is text.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::reason::Cause;

/// A field. What is missing and what is `null` are one: exporters write either.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Value<'a> {
    /// Missing, or `null`.
    #[default]
    Null,
    Bool(bool),
    Unsigned(u64),
    Negative(i64),
    Text(Cow<'a, str>),
    /// A fraction, a number of more than 64 bits, an array or an object.
    Other,
}

impl Value<'_> {
    /// Whether it says nothing: missing, `null`, or an empty text.
    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Self::Null => true,
            Self::Text(text) => text.trim_ascii().is_empty(),
            _ => false,
        }
    }

    /// Text, or what is written as a number, as text; `None` when there is none.
    pub(crate) fn text(&self) -> Result<Option<Cow<'_, str>>, Cause> {
        match self {
            _ if self.is_empty() => Ok(None),
            Self::Text(text) => Ok(Some(Cow::Borrowed(text))),
            Self::Unsigned(number) => Ok(Some(number.to_string().into())),
            Self::Negative(number) => Ok(Some(number.to_string().into())),
            _ => Err(Cause::Type { expected: "a text or a whole number" }),
        }
    }

    /// The text of a hash; `None` when there is none.
    pub(crate) fn digits(&self) -> Result<Option<&str>, Cause> {
        match self {
            _ if self.is_empty() => Ok(None),
            Self::Text(text) => Ok(Some(text)),
            _ => Err(Cause::Type { expected: "a text" }),
        }
    }

    /// A whole number up to `max`, also as text; `None` when there is none.
    pub(crate) fn number(&self, max: u64) -> Result<Option<u64>, Cause> {
        let number = match self {
            _ if self.is_empty() => return Ok(None),
            Self::Unsigned(number) => Some(*number),
            Self::Text(text) => {
                let digits = text.trim_ascii();
                digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
            }
            _ => None,
        };
        number.filter(|number| *number <= max).map(Some).ok_or(Cause::Number { max })
    }

    /// True or false, also as text of any case; `None` when there is neither.
    pub(crate) fn flag(&self) -> Result<Option<bool>, Cause> {
        match self {
            _ if self.is_empty() => Ok(None),
            Self::Bool(flag) => Ok(Some(*flag)),
            Self::Text(text) if text.trim_ascii().eq_ignore_ascii_case("true") => Ok(Some(true)),
            Self::Text(text) if text.trim_ascii().eq_ignore_ascii_case("false") => Ok(Some(false)),
            _ => Err(Cause::Type { expected: "true or false" }),
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Value<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyType)
    }
}

struct AnyType;

impl<'de> Visitor<'de> for AnyType {
    type Value = Value<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Value<'de>, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Value<'de>, E> {
        Ok(Value::Bool(flag))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value<'de>, E> {
        Ok(Value::Unsigned(number))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value<'de>, E> {
        Ok(Value::Negative(number))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Value<'de>, E> {
        Ok(Value::Other)
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Value<'de>, E> {
        Ok(Value::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value<'de>, E> {
        Ok(Value::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value<'de>, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Value::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value<'de>, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Value::Other)
    }
}
