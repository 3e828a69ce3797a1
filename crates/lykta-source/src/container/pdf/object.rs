//! The values of which a PDF is made.

/// Values in one another.
const MOST_DEPTH: u32 = 16;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Null,
    Bool(bool),
    /// Of a number, what is before the point.
    Number(i64),
    Name(Vec<u8>),
    Text(Vec<u8>),
    List(Vec<Value>),
    Dict(Dict),
    /// To the object of this number.
    Ref(u32),
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Dict(Vec<(Vec<u8>, Value)>);

impl Dict {
    /// The value of one of these keys: a long one, and a short one that inline images use.
    pub(super) fn get(&self, keys: &[&str]) -> Option<&Value> {
        self.0
            .iter()
            .find(|(key, _)| keys.iter().any(|other| key == other.as_bytes()))
            .map(|(_, value)| value)
    }

    pub(super) fn values(&self) -> impl Iterator<Item = &Value> {
        self.0.iter().map(|(_, value)| value)
    }

    pub(super) fn is(&self, key: &str, name: &str) -> bool {
        matches!(self.get(&[key]), Some(Value::Name(value)) if value == name.as_bytes())
    }
}

/// Reads values; where it stopped is `at`.
pub(super) struct Parser<'p> {
    bytes: &'p [u8],
    pub(super) at: usize,
}

impl<'p> Parser<'p> {
    pub(super) fn new(bytes: &'p [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    pub(super) fn skip_space(&mut self) {
        while let Some(byte) = self.bytes.get(self.at) {
            match byte {
                b'%' => {
                    let rest = &self.bytes[self.at..];
                    self.at += memchr::memchr2(b'\r', b'\n', rest).unwrap_or(rest.len());
                }
                0 | b'\t' | b'\n' | 12 | b'\r' | b' ' => self.at += 1,
                _ => return,
            }
        }
    }

    /// The next value. None if it is none, or does not end within the bytes.
    pub(super) fn value(&mut self) -> Option<Value> {
        self.nested(0)
    }

    fn nested(&mut self, depth: u32) -> Option<Value> {
        if depth > MOST_DEPTH {
            return None;
        }
        self.skip_space();
        let rest = &self.bytes[self.at..];
        match rest {
            [b'<', b'<', ..] => {
                self.at += 2;
                let mut dict = Dict::default();
                loop {
                    self.skip_space();
                    match &self.bytes[self.at..] {
                        [b'>', b'>', ..] => {
                            self.at += 2;
                            return Some(Value::Dict(dict));
                        }
                        [b'/', ..] => {
                            let key = self.name();
                            dict.0.push((key, self.nested(depth + 1)?));
                        }
                        _ => return None,
                    }
                }
            }
            [b'[', ..] => {
                self.at += 1;
                let mut list = Vec::new();
                loop {
                    self.skip_space();
                    if self.bytes.get(self.at) == Some(&b']') {
                        self.at += 1;
                        return Some(Value::List(list));
                    }
                    list.push(self.nested(depth + 1)?);
                }
            }
            [b'/', ..] => Some(Value::Name(self.name())),
            [b'(', ..] => self.text().map(Value::Text),
            [b'<', ..] => self.hex().map(Value::Text),
            [b'0'..=b'9' | b'+' | b'-' | b'.', ..] => self.number(),
            _ => {
                for (word, value) in
                    [("true", Value::Bool(true)), ("false", Value::Bool(false)), ("null", Value::Null)]
                {
                    if rest.starts_with(word.as_bytes()) {
                        self.at += word.len();
                        return Some(value);
                    }
                }
                None
            }
        }
    }

    fn name(&mut self) -> Vec<u8> {
        self.at += 1;
        let rest = &self.bytes[self.at..];
        let len = rest.iter().position(|byte| !is_regular(*byte)).unwrap_or(rest.len());
        self.at += len;
        let mut name = Vec::with_capacity(len);
        let mut bytes = &rest[..len];
        while let [first, more @ ..] = bytes {
            bytes = more;
            match (first, more) {
                (b'#', [a, b, more @ ..]) if hex_digit(*a).is_some() && hex_digit(*b).is_some() => {
                    name.extend(hex_digit(*a).zip(hex_digit(*b)).map(|(a, b)| a << 4 | b));
                    bytes = more;
                }
                _ => name.push(*first),
            }
        }
        name
    }

    fn text(&mut self) -> Option<Vec<u8>> {
        let mut text = Vec::new();
        let mut open = 0;
        loop {
            let byte = *self.bytes.get(self.at)?;
            self.at += 1;
            match byte {
                b'(' => {
                    open += 1;
                    if open == 1 {
                        continue;
                    }
                }
                b')' => {
                    open -= 1;
                    if open == 0 {
                        return Some(text);
                    }
                }
                b'\\' => {
                    let next = *self.bytes.get(self.at)?;
                    self.at += 1;
                    text.extend(match next {
                        b'n' => Some(b'\n'),
                        b'r' => Some(b'\r'),
                        b't' => Some(b'\t'),
                        b'b' => Some(8),
                        b'f' => Some(12),
                        b'\n' => None,
                        b'\r' => {
                            self.at += usize::from(self.bytes.get(self.at) == Some(&b'\n'));
                            None
                        }
                        b'0'..=b'7' => {
                            let mut value = next - b'0';
                            for _ in 0..2 {
                                let Some(digit @ b'0'..=b'7') = self.bytes.get(self.at) else { break };
                                value = value.wrapping_mul(8).wrapping_add(digit - b'0');
                                self.at += 1;
                            }
                            Some(value)
                        }
                        other => Some(other),
                    });
                    continue;
                }
                _ => {}
            }
            text.push(byte);
        }
    }

    fn hex(&mut self) -> Option<Vec<u8>> {
        let rest = &self.bytes[self.at + 1..];
        let len = memchr::memchr(b'>', rest)?;
        self.at += len + 2;
        let digits: Vec<u8> = rest[..len].iter().filter_map(|byte| hex_digit(*byte)).collect();
        Some(digits.chunks(2).map(|pair| pair[0] << 4 | pair.get(1).copied().unwrap_or(0)).collect())
    }

    /// A number, or a reference: two numbers and an R.
    fn number(&mut self) -> Option<Value> {
        let number = self.digits()?;
        let back = self.at;
        let mut refers = || {
            self.skip_space();
            if !self.bytes.get(self.at)?.is_ascii_digit() {
                return None;
            }
            self.digits()?;
            self.skip_space();
            let is_ref = self.bytes.get(self.at) == Some(&b'R')
                && self.bytes.get(self.at + 1).is_none_or(|byte| !is_regular(*byte));
            self.at += 1;
            if is_ref { u32::try_from(number).ok() } else { None }
        };
        if let Some(number) = refers() {
            return Some(Value::Ref(number));
        }
        self.at = back;
        Some(Value::Number(number))
    }

    fn digits(&mut self) -> Option<i64> {
        let rest = &self.bytes[self.at..];
        let len = rest.iter().position(|byte| !matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.'));
        let text = &rest[..len.unwrap_or(rest.len())];
        self.at += text.len();
        let whole = text.split(|byte| *byte == b'.').next().unwrap_or_default();
        if whole.is_empty() {
            return Some(0);
        }
        str::from_utf8(whole).ok()?.parse().ok()
    }
}

pub(super) fn hex_digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).map(|digit| digit as u8)
}

fn is_regular(byte: u8) -> bool {
    !matches!(
        byte,
        0 | 9 | 10 | 12 | 13 | 32 | b'(' | b')' | b'<' | b'>' | b'[' | b']' | b'{' | b'}' | b'/' | b'%'
    )
}
