//! Every path that is answered, in one table: routes, scopes, the OpenAPI document and its page are made of it.

use axum::http::Method;

use crate::scope::Scope;

/// A method of a path.
pub(crate) struct Operation {
    pub(crate) id: Id,
    pub(crate) method: Method,
    /// As OpenAPI writes it, which is also how routes are written.
    pub(crate) path: &'static str,
    /// What a token needs; none where none is needed.
    pub(crate) scope: Option<Scope>,
    pub(crate) summary: &'static str,
    pub(crate) description: &'static str,
    pub(crate) parameters: &'static [Parameter],
    pub(crate) body: Body,
    pub(crate) answer: Answer,
    /// Statuses of problems, besides those that every operation with a scope may have.
    pub(crate) problems: &'static [u16],
}

/// Which one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Id {
    MatchFile,
    MatchHashes,
    HashFile,
    Index,
    Health,
    Ready,
    Metrics,
    OpenApi,
    Docs,
    DocsStyle,
    HmaLookup,
    HmaLookupFile,
    HmaRawLookup,
    HmaHashUrl,
    HmaHashFile,
    HmaStatus,
    ScartCheck,
    ScartTest,
}

/// In the query, or the path.
pub(crate) struct Parameter {
    pub(crate) name: &'static str,
    pub(crate) required: bool,
    pub(crate) in_path: bool,
    pub(crate) description: &'static str,
    pub(crate) one_of: &'static [&'static str],
    /// What it looks like; empty where that is free.
    pub(crate) pattern: &'static str,
}

/// What is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Body {
    None,
    /// A file, as it is or in multipart/form-data.
    File,
    /// One file in multipart/form-data, in a field named `photo` or `video`.
    Multipart,
    /// A batch of hashes.
    Hashes,
    /// The digits of a digest.
    Digits,
}

/// What comes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// JSON by a schema of the document.
    Json(&'static str),
    /// Text of a media type.
    Text(&'static str),
}

const fn query(name: &'static str, required: bool, description: &'static str) -> Parameter {
    Parameter { name, required, in_path: false, description, one_of: &[], pattern: "" }
}

/// A PDQ or an MD5.
const SIGNAL: Parameter = Parameter {
    pattern: "^[0-9A-Fa-f]{32}([0-9A-Fa-f]{32})?$",
    ..query("signal", false, "The hash, in hexadecimal")
};

const SIGNAL_TYPE: Parameter = Parameter {
    name: "signal_type",
    required: false,
    in_path: false,
    description: "The kind of hash",
    one_of: &["pdq", "video_md5"],
    pattern: "",
};
const BANKS: Parameter = query("banks", false, "Names of banks, separated by commas; all when not given");
const SEED: Parameter = query("seed", false, "Accepted; every bank is always asked");
const COINFLIP: Parameter = query("bypass_coinflip", false, "Accepted; every bank is always asked");
const TYPES: Parameter = query("types", false, "Kinds of hash, separated by commas: pdq, video_md5");
const CONTENT_TYPE: Parameter =
    query("content_type", false, "With `url`: photo or video; what the host says when not given");
const URL: Parameter =
    query("url", false, "Of a file to be fetched: 403 unless its host is listed in the configuration");
const SCART_KIND: Parameter = Parameter {
    name: "kind",
    required: true,
    in_path: true,
    description: "The kind of digest",
    one_of: &["md5", "sha1"],
    pattern: "",
};

/// Statuses that an operation may have that needs a token.
pub(crate) const WITH_TOKEN: [u16; 4] = [401, 403, 429, 503];

/// Every operation, in the order of the document.
pub(crate) static OPERATIONS: &[Operation] = &[
    Operation {
        id: Id::MatchFile,
        method: Method::POST,
        path: "/v1/match",
        scope: Some(Scope::Match),
        summary: "Compare a file with the lists",
        description: "Send the file as the body, or as the only file of multipart/form-data. The answer has the keys of a \
                      finding; its outcome is one of those of `lykta scan`. A file that failed was not wholly examined: \
                      somebody has to look into it. Containers are compared as whole files.",
        parameters: &[],
        body: Body::File,
        answer: Answer::Json("FileAnswer"),
        problems: &[400, 408, 413, 415, 500],
    },
    Operation {
        id: Id::MatchHashes,
        method: Method::POST,
        path: "/v1/match/hashes",
        scope: Some(Scope::Match),
        summary: "Look up a batch of hashes",
        description: "Each hash is `kind:hexadecimal`, of any kinds together. An answer each, in the order given; one that \
                      cannot be compared has an `error`.",
        parameters: &[],
        body: Body::Hashes,
        answer: Answer::Json("BatchAnswer"),
        problems: &[400, 408, 413, 415, 500],
    },
    Operation {
        id: Id::HashFile,
        method: Method::POST,
        path: "/v1/hash",
        scope: Some(Scope::Hash),
        summary: "Compute the hashes of a file",
        description: "Send the file as for /v1/match. Nothing is compared and nothing kept.",
        parameters: &[],
        body: Body::File,
        answer: Answer::Json("Hashes"),
        problems: &[400, 408, 413, 415, 500],
    },
    Operation {
        id: Id::Index,
        method: Method::GET,
        path: "/v1/index",
        scope: Some(Scope::Match),
        summary: "What is compared with",
        description: "Counts, names and versions of lists, digests of files.",
        parameters: &[],
        body: Body::None,
        answer: Answer::Json("Index"),
        problems: &[],
    },
    Operation {
        id: Id::Health,
        method: Method::GET,
        path: "/healthz",
        scope: None,
        summary: "Whether the program runs",
        description: "",
        parameters: &[],
        body: Body::None,
        answer: Answer::Json("Health"),
        problems: &[],
    },
    Operation {
        id: Id::Ready,
        method: Method::GET,
        path: "/readyz",
        scope: None,
        summary: "Whether questions are answered",
        description: "503 until an index is open, and while no worker can start. `stale` is true while newer files were refused: the older ones serve on.",
        parameters: &[],
        body: Body::None,
        answer: Answer::Json("Ready"),
        problems: &[503],
    },
    Operation {
        id: Id::Metrics,
        method: Method::GET,
        path: "/metrics",
        scope: Some(Scope::Admin),
        summary: "Counters for Prometheus",
        description: "",
        parameters: &[],
        body: Body::None,
        answer: Answer::Text("text/plain; version=0.0.4; charset=utf-8"),
        problems: &[],
    },
    Operation {
        id: Id::OpenApi,
        method: Method::GET,
        path: "/openapi.json",
        scope: None,
        summary: "This document",
        description: "",
        parameters: &[],
        body: Body::None,
        answer: Answer::Json("Document"),
        problems: &[],
    },
    Operation {
        id: Id::Docs,
        method: Method::GET,
        path: "/docs",
        scope: None,
        summary: "This document, to be read",
        description: "",
        parameters: &[],
        body: Body::None,
        answer: Answer::Text("text/html; charset=utf-8"),
        problems: &[],
    },
    Operation {
        id: Id::DocsStyle,
        method: Method::GET,
        path: "/docs.css",
        scope: None,
        summary: "How that page looks",
        description: "",
        parameters: &[],
        body: Body::None,
        answer: Answer::Text("text/css; charset=utf-8"),
        problems: &[],
    },
    Operation {
        id: Id::HmaLookup,
        method: Method::GET,
        path: "/m/lookup",
        scope: Some(Scope::Match),
        summary: "HMA: the banks that have a hash",
        description: "As hasher-matcher-actioner answers. Its shape has distances, so the token needs the scope `distance`, \
                      too. A bank is a list; its name is the list's in capital letters, with `_` for what is neither letter \
                      nor digit. `bank_content_id` is the entry's row, above 2^32 for other lists than the first.",
        parameters: &[SIGNAL, SIGNAL_TYPE, BANKS, SEED, COINFLIP, URL, CONTENT_TYPE, TYPES],
        body: Body::None,
        answer: Answer::Json("HmaLookup"),
        problems: &[400, 408, 413, 500, 502],
    },
    Operation {
        id: Id::HmaLookupFile,
        method: Method::POST,
        path: "/m/lookup",
        scope: Some(Scope::Match),
        summary: "HMA: the banks that have a file",
        description: "One file in multipart/form-data, in a field called by its content type, `photo` or `video`. The token \
                      needs the scope `distance`, too.",
        parameters: &[BANKS, SEED, COINFLIP, TYPES],
        body: Body::Multipart,
        answer: Answer::Json("HmaSignals"),
        problems: &[400, 408, 413, 415, 500],
    },
    Operation {
        id: Id::HmaRawLookup,
        method: Method::GET,
        path: "/m/raw_lookup",
        scope: Some(Scope::Match),
        summary: "HMA: the entries that have a hash",
        description: "With `include_distance`, the token needs the scope `distance`, too.",
        parameters: &[
            Parameter { required: true, ..SIGNAL },
            Parameter { required: true, ..SIGNAL_TYPE },
            BANKS,
            query("include_distance", false, "true for distances"),
        ],
        body: Body::None,
        answer: Answer::Json("HmaMatches"),
        problems: &[400, 408, 500],
    },
    Operation {
        id: Id::HmaHashUrl,
        method: Method::GET,
        path: "/h/hash",
        scope: Some(Scope::Hash),
        summary: "HMA: the hashes of a file at a URL",
        description: "403 unless the host of the URL is listed in the configuration: send the file with POST.",
        parameters: &[Parameter { required: true, ..URL }, CONTENT_TYPE, TYPES],
        body: Body::None,
        answer: Answer::Json("HmaHashes"),
        problems: &[400, 408, 413, 500, 502],
    },
    Operation {
        id: Id::HmaHashFile,
        method: Method::POST,
        path: "/h/hash",
        scope: Some(Scope::Hash),
        summary: "HMA: the hashes of a file",
        description: "One file in multipart/form-data, in a field called `photo` or `video`.",
        parameters: &[TYPES],
        body: Body::Multipart,
        answer: Answer::Json("HmaHashes"),
        problems: &[400, 408, 413, 415, 500],
    },
    Operation {
        id: Id::HmaStatus,
        method: Method::GET,
        path: "/m/index/status",
        scope: Some(Scope::Match),
        summary: "HMA: which indexes there are",
        description: "",
        parameters: &[SIGNAL_TYPE],
        body: Body::None,
        answer: Answer::Json("HmaStatus"),
        problems: &[400],
    },
    Operation {
        id: Id::ScartCheck,
        method: Method::POST,
        path: "/v1/check/{kind}",
        scope: Some(Scope::Match),
        summary: "SCARt: whether a digest is known",
        description: "The body is the digits alone; the answer is `true` or `false` and nothing else. Known is what is in a \
                      list of role match. Anything but 200 is no answer.",
        parameters: &[SCART_KIND],
        body: Body::Digits,
        answer: Answer::Text("text/plain; charset=utf-8"),
        problems: &[400, 404, 408, 413, 415, 500],
    },
    Operation {
        id: Id::ScartTest,
        method: Method::POST,
        path: "/v1/test/check/{kind}",
        scope: Some(Scope::Match),
        summary: "SCARt: the same from a fixed test list",
        description: "`true` for the digests of `scart.test` in the configuration: to see whether the wiring works.",
        parameters: &[SCART_KIND],
        body: Body::Digits,
        answer: Answer::Text("text/plain; charset=utf-8"),
        problems: &[400, 404, 408, 413, 415],
    },
];
