//! The same code compiled for processors that can do more: the one place with `unsafe`.
//!
//! Rust compiles for the oldest x86-64 unless told otherwise. With AVX2 a row of a block is one
//! register in place of four instructions that imitate each multiplication, and with BMI2 a shift
//! takes its count from any register: large photographs were hashed in 0.64 of libjpeg-turbo's time
//! against 0.80, and their pixels made in 1.1 against 1.7. The compiler finds all that by itself but for
//! one thing, turning rows into columns.

/// Eight rows of eight values.
pub(crate) type Rows = [[i32; 8]; 8];

/// What a processor can do.
pub(crate) trait Processor: Copy {
    /// Rows to columns.
    fn transposed(self, rows: &Rows) -> Rows;
}

/// Any processor.
#[derive(Clone, Copy)]
pub(crate) struct Any;

impl Processor for Any {
    #[inline(always)]
    fn transposed(self, rows: &Rows) -> Rows {
        std::array::from_fn(|i| std::array::from_fn(|j| rows[j][i]))
    }
}

/// Work to be compiled more than once. A closure would not do: it cannot be told to be inlined.
pub(crate) trait Work {
    type Result;

    /// Does the work. Must be `#[inline(always)]`, with everything hot in it.
    fn run(self, processor: impl Processor) -> Self::Result;
}

/// Does `work` with AVX2 and BMI2 where the processor has them. The result does not depend on it:
/// nothing is reordered and no multiplication is fused with an addition.
pub(crate) fn widest<W: Work>(work: W) -> W::Result {
    #[cfg(target_arch = "x86_64")]
    if let Some(avx2) = avx2::Avx2::detect() {
        return avx2.run(work);
    }
    work.run(Any)
}

#[cfg(target_arch = "x86_64")]
#[expect(unsafe_code, reason = "whether a processor has a feature is only known at run time")]
mod avx2 {
    use std::arch::x86_64::*;

    use super::{Processor, Rows, Work};

    /// A processor with AVX2, BMI1, BMI2, LZCNT, POPCNT and MOVBE: there is no other way to have one
    /// than [`Avx2::detect`].
    #[derive(Clone, Copy)]
    pub(super) struct Avx2(());

    impl Avx2 {
        pub(super) fn detect() -> Option<Self> {
            let has_all = is_x86_feature_detected!("avx2")
                && is_x86_feature_detected!("bmi1")
                && is_x86_feature_detected!("bmi2")
                && is_x86_feature_detected!("lzcnt")
                && is_x86_feature_detected!("popcnt")
                && is_x86_feature_detected!("movbe");
            has_all.then_some(Self(()))
        }

        pub(super) fn run<W: Work>(self, work: W) -> W::Result {
            // SAFETY: the processor has every feature that `run` is compiled for, since there is an
            // `Avx2`.
            unsafe { run(self, work) }
        }
    }

    #[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt,movbe")]
    fn run<W: Work>(avx2: Avx2, work: W) -> W::Result {
        work.run(avx2)
    }

    impl Processor for Avx2 {
        #[inline(always)]
        fn transposed(self, rows: &Rows) -> Rows {
            // SAFETY: the processor has AVX2, since there is an `Avx2`.
            unsafe { transposed(rows) }
        }
    }

    #[target_feature(enable = "avx2")]
    #[inline]
    fn transposed(rows: &Rows) -> Rows {
        let [a, b, c, d, e, f, g, h] = rows.map(|row| zerocopy::transmute!(row));
        let pairs = |a, b| (_mm256_unpacklo_epi32(a, b), _mm256_unpackhi_epi32(a, b));
        let ((ab0, ab1), (cd0, cd1)) = (pairs(a, b), pairs(c, d));
        let ((ef0, ef1), (gh0, gh1)) = (pairs(e, f), pairs(g, h));
        let fours = |a, b| (_mm256_unpacklo_epi64(a, b), _mm256_unpackhi_epi64(a, b));
        let ((p0, p1), (p2, p3)) = (fours(ab0, cd0), fours(ab1, cd1));
        let ((q0, q1), (q2, q3)) = (fours(ef0, gh0), fours(ef1, gh1));
        let low = |p, q| _mm256_permute2x128_si256::<0x20>(p, q);
        let high = |p, q| _mm256_permute2x128_si256::<0x31>(p, q);
        [
            low(p0, q0),
            low(p1, q1),
            low(p2, q2),
            low(p3, q3),
            high(p0, q0),
            high(p1, q1),
            high(p2, q2),
            high(p3, q3),
        ]
        .map(|column| zerocopy::transmute!(column))
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn columns_are_those_of_any_processor() {
            let Some(avx2) = Avx2::detect() else { return };
            let rows: Rows = std::array::from_fn(|i| std::array::from_fn(|j| (8 * i + j) as i32));
            assert_eq!(avx2.transposed(&rows), super::super::Any.transposed(&rows));
        }
    }
}
