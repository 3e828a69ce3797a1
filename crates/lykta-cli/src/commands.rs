//! One module a command. Each has `run`, which returns the exit code.

pub(crate) mod cluster;
pub(crate) mod compare;
pub(crate) mod demo;
pub(crate) mod formats;
pub(crate) mod hash;
pub(crate) mod index_build;
pub(crate) mod index_info;
pub(crate) mod index_merge;
pub(crate) mod index_verify;
pub(crate) mod list_add;
pub(crate) mod list_apply;
pub(crate) mod list_convert;
pub(crate) mod list_inspect;
pub(crate) mod query;
pub(crate) mod report_verify;
pub(crate) mod scan;
pub(crate) mod selftest;
pub(crate) mod serve;
