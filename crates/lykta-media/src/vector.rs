//! The same code compiled for processors that can do more: the one place with `unsafe`.
//!
//! Rust compiles for the oldest x86-64 unless told otherwise. With AVX2 a row of a block is one
//! register in place of four instructions that imitate each multiplication, and with BMI2 a shift
//! takes its count from any register: on photographs this was 0.64 against 0.80 of the time.

/// Work to be compiled more than once. A closure would not do: it cannot be told to be inlined.
pub(crate) trait Work {
    type Result;

    /// Does the work. Must be `#[inline(always)]`, with everything hot in it.
    fn run(self) -> Self::Result;
}

/// Does `work` with AVX2 and BMI2 where the processor has them. The result does not depend on it:
/// nothing is reordered and no multiplication is fused with an addition.
pub(crate) fn widest<W: Work>(work: W) -> W::Result {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("bmi2")
        && is_x86_feature_detected!("lzcnt")
        && is_x86_feature_detected!("popcnt")
        && is_x86_feature_detected!("movbe")
    {
        #[expect(unsafe_code, reason = "features are asked for at run time")]
        // SAFETY: the processor has every feature that `with_avx2` is compiled for.
        return unsafe { with_avx2(work) };
    }
    work.run()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt,movbe")]
fn with_avx2<W: Work>(work: W) -> W::Result {
    work.run()
}
