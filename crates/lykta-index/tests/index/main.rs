//! Tests of the index as its users see it.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod exact_oracle;
mod files;
mod made_up;
mod merge;
mod near64_oracle;
mod near_oracle;
mod spoiled;
