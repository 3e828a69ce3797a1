//! The order of the keys in a file: by bits from all over the hash.

use crate::hamming::Key;

/// The bits of the order value, most significant first (docs/format.md, "PDQ_KEYS"). The step is
/// odd, so no bit comes twice, and it spreads the first bits of any number evenly over rows and
/// columns of the 16 x 16 coefficients: neighbours are alike in photographs.
pub(crate) const ORDER: [u8; 32] = {
    let mut bits = [0; 32];
    let mut i = 0;
    while i < bits.len() {
        bits[i] = (255 - 97 * i % 256) as u8;
        i += 1;
    }
    bits
};

/// What keys are sorted by, before their bytes.
pub(crate) fn order_value(key: &Key) -> u32 {
    ORDER.iter().fold(0, |value, bit| value << 1 | bit_of(key, *bit))
}

/// Bit `bit` of a key: the one of weight 2^`bit`.
pub(crate) fn bit_of(key: &Key, bit: u8) -> u32 {
    u32::from(key[31 - usize::from(bit / 8)] >> (bit % 8) & 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_is_that_of_the_format_document() {
        assert_eq!(ORDER[..4], [255, 158, 61, 220]);
        let mut key = [0; 32];
        key[0] = 0x80;
        assert_eq!(order_value(&key), 1 << 31);
        key = [0; 32];
        key[31 - 158 / 8] = 1 << (158 % 8);
        assert_eq!(order_value(&key), 1 << 30);
        let mut bits = ORDER.to_vec();
        bits.sort_unstable();
        bits.dedup();
        assert_eq!(bits.len(), 32);
    }
}
