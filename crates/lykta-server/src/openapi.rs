//! The OpenAPI document, made of the table of operations, and the page that shows it.

use serde_json::{Map, Value, json};

use crate::operations::{Answer, Body, OPERATIONS, Operation, Parameter, WITH_TOKEN};

/// The document, of version 3.1.
pub fn document() -> Value {
    let mut paths = Map::new();
    for operation in OPERATIONS {
        let path = paths.entry(operation.path).or_insert_with(|| json!({}));
        path[operation.method.as_str().to_ascii_lowercase()] = described(operation);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Lykta",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Compares files and hashes with lists of known ones. \"No match\" means: no match in the lists given.",
            "license": {"name": "Apache-2.0 OR MIT", "identifier": "Apache-2.0 OR MIT"},
        },
        "paths": paths,
        "components": {
            "schemas": schemas(),
            "responses": {"Problem": {
                "description": "What went wrong, and what to do (RFC 9457)",
                "content": {"application/problem+json": {"schema": reference("Problem")}},
            }},
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "basic": {"type": "http", "scheme": "basic", "description": "The token is the password; the name is free"},
            },
        },
    })
}

/// The document as it is checked in.
#[expect(clippy::unwrap_used, reason = "texts and numbers always serialise")]
pub fn document_text() -> String {
    serde_json::to_string_pretty(&document()).unwrap() + "\n"
}

fn reference(schema: &str) -> Value {
    json!({"$ref": format!("#/components/schemas/{schema}")})
}

fn described(operation: &Operation) -> Value {
    let mut responses = Map::new();
    let content = match operation.answer {
        Answer::Json(schema) => json!({"application/json": {"schema": reference(schema)}}),
        Answer::Text(media_type) => json!({media_type: {"schema": {"type": "string"}}}),
    };
    responses.insert("200".into(), json!({"description": "The answer", "content": content}));
    for status in statuses(operation) {
        responses.insert(status.to_string(), json!({"$ref": "#/components/responses/Problem"}));
    }
    let mut described = json!({
        "operationId": format!("{:?}", operation.id),
        "summary": operation.summary,
        "responses": responses,
    });
    if !operation.description.is_empty() {
        described["description"] = operation.description.into();
    }
    if let Some(scope) = operation.scope {
        described["security"] = json!([{"bearer": [scope.name()]}, {"basic": [scope.name()]}]);
    }
    if !operation.parameters.is_empty() {
        described["parameters"] = operation.parameters.iter().map(parameter).collect();
    }
    if let Some(body) = body(operation.body) {
        described["requestBody"] = body;
    }
    described
}

/// Statuses of problems, each once, in order.
pub(crate) fn statuses(operation: &Operation) -> Vec<u16> {
    let with_token = operation.scope.iter().flat_map(|_| WITH_TOKEN);
    let mut statuses: Vec<u16> = with_token.chain(operation.problems.iter().copied()).collect();
    statuses.sort_unstable();
    statuses.dedup();
    statuses
}

fn parameter(parameter: &Parameter) -> Value {
    let mut schema = json!({"type": "string"});
    if !parameter.one_of.is_empty() {
        schema["enum"] = json!(parameter.one_of);
    }
    if !parameter.pattern.is_empty() {
        schema["pattern"] = parameter.pattern.into();
    }
    json!({
        "name": parameter.name,
        "in": if parameter.in_path { "path" } else { "query" },
        "required": parameter.required,
        "description": parameter.description,
        "schema": schema,
    })
}

fn body(body: Body) -> Option<Value> {
    let file = json!({"type": "string", "contentMediaType": "application/octet-stream", "minLength": 1});
    // An MD5 or a SHA-1.
    let digits = json!({"type": "string", "pattern": "^[0-9A-Fa-f]{32}([0-9A-Fa-f]{8})?$"});
    let content = match body {
        Body::None => return None,
        Body::File => json!({
            "application/octet-stream": {"schema": {}},
            "multipart/form-data": {"schema": {"type": "object", "properties": {"file": file}, "required": ["file"]}},
        }),
        Body::Multipart => json!({
            "multipart/form-data": {"schema": {
                "type": "object", "properties": {"photo": file, "video": file}, "minProperties": 1, "maxProperties": 1,
            }},
        }),
        Body::Hashes => json!({"application/json": {"schema": reference("Batch")}}),
        Body::Digits => json!({
            "text/plain": {"schema": digits},
            "application/x-www-form-urlencoded": {"schema": digits},
        }),
    };
    Some(json!({"required": true, "content": content}))
}

fn object(required: &[&str], properties: Value) -> Value {
    json!({"type": "object", "required": required, "properties": properties, "additionalProperties": false})
}

fn list(items: Value) -> Value {
    json!({"type": "array", "items": items})
}

fn schemas() -> Value {
    let (text, number, flag) =
        (json!({"type": "string"}), json!({"type": "integer"}), json!({"type": "boolean"}));
    let maybe = |kind: &str| json!({"type": [kind, "null"]});
    let counts = json!({"type": "object", "additionalProperties": number});
    let details = "Only with the scope `distance`";
    let detail = |kind: Value| json!({"type": kind, "description": details});
    let matched = object(
        &["kind", "list", "list_sha256", "entry", "row", "label", "role", "weak", "disputed"],
        json!({
            "kind": text,
            "distance": detail("integer".into()),
            "view": detail(json!(["string", "null"])),
            "rectangle": {"type": "array", "items": number, "description": details},
            "entry_view": detail("string".into()),
            "coarse_distance": detail("integer".into()),
            "band": detail("string".into()),
            "plain": detail("boolean".into()),
            "below_band": flag,
            "list": text,
            "list_version": text,
            "list_sha256": text,
            "entry": {"type": "string", "description": "The entry's id or path in its list, else `row N`; also `row N` where \
                the list calls it by a hash"},
            "row": number,
            "label": {"type": ["object", "null"], "additionalProperties": text},
            "role": {"type": "string", "enum": ["match", "note", "ignore"]},
            "weak": {"type": "boolean", "description": "MD5 or SHA-1 alone agree, which can be forged"},
            "disputed": flag,
            "support": {"type": "boolean", "description": "By a 64-bit hash, which never counts as found"},
        }),
    );
    let file_answer = object(
        &["v", "index", "size", "digests", "pdq", "pdq_quality", "outcome", "reason", "matches"],
        json!({
            "v": number,
            "index": {"type": "string", "description": "Tells one state of the indexes from another"},
            "size": maybe("integer"),
            "digests": {"type": "object", "additionalProperties": text},
            "pdq": maybe("string"),
            "pdq_quality": maybe("integer"),
            "unread_scans": number,
            "outcome": text,
            "reason": maybe("string"),
            "detail": text,
            "compared": {"type": "string", "description": "What of a failed file was compared"},
            "matches": list(reference("Match")),
            "matches_left_out": number,
        }),
    );
    let bank =
        list(object(&["bank_content_id", "distance"], json!({"bank_content_id": number, "distance": text})));
    let banks = json!({"type": "object", "additionalProperties": bank});
    json!({
        "Match": matched,
        "FileAnswer": file_answer,
        "Batch": object(&["hashes"], json!({"hashes": list(text.clone())})),
        "BatchAnswer": object(&["v", "index", "answers"], json!({
            "v": number,
            "index": text,
            "answers": list(object(&["hash", "matches"], json!({
                "hash": text,
                "error": text,
                "matches": list(reference("Match")),
                "matches_left_out": number,
            }))),
        })),
        "Hashes": object(&["size", "md5", "sha1", "sha256", "blake3"], json!({
            "size": number,
            "md5": text,
            "sha1": text,
            "sha256": text,
            "blake3": text,
            "pdq": text,
            "pdq_quality": number,
            "width": number,
            "height": number,
            "error": {"type": "string", "description": "Why there is no PDQ"},
        })),
        "Index": object(&["index", "since", "entries", "disputed", "hashes", "files"], json!({
            "index": text,
            "since": text,
            "entries": number,
            "disputed": number,
            "hashes": counts,
            "files": list(object(&["checksum", "bytes", "entries", "written_by", "lists"], json!({
                "checksum": text,
                "bytes": number,
                "entries": number,
                "written_by": text,
                "lists": list(object(
                    &["name", "bank", "version", "role", "format", "sha256", "accepted", "rejected", "partial"],
                    json!({
                        "name": text, "bank": text, "version": text, "role": text, "format": text, "sha256": text,
                        "accepted": number, "rejected": number, "partial": flag,
                    }),
                )),
            }))),
        })),
        "Health": object(&["status"], json!({"status": text})),
        "Ready": object(&["status", "stale", "index"], json!({"status": text, "stale": flag, "index": text})),
        "Document": {"type": "object"},
        "HmaLookup": {"anyOf": [banks, {"$ref": "#/components/schemas/HmaSignals"}], "description": "By `signal`, or by `url`"},
        "HmaSignals": {"type": "object", "additionalProperties": banks},
        "HmaMatches": object(&["matches"], json!({"matches": list(json!({"anyOf": [
            number,
            object(&["bank_content_id", "distance"], json!({"bank_content_id": number, "distance": text})),
        ]}))})),
        "HmaHashes": {"type": "object", "additionalProperties": text},
        "HmaStatus": {"type": "object", "additionalProperties": object(
            &["present", "built_to", "size"],
            json!({"present": flag, "built_to": number, "size": number}),
        )},
        "Problem": object(&["type", "title", "status", "detail", "message"], json!({
            "type": text, "title": text, "status": number, "detail": text,
            "message": {"type": "string", "description": "The detail again, for clients of HMA"},
        })),
    })
}

/// How the page looks.
pub(crate) const STYLE: &str = "body{font:16px/1.5 sans-serif;max-width:60em;margin:2em auto;padding:0 1em}\
h2{margin-top:2em;font-size:1.1em}code,pre{background:#f2f2f2;padding:.1em .3em}pre{padding:.6em;overflow:auto}\
td,th{text-align:left;vertical-align:top;padding:.2em .8em .2em 0}\n";

/// The document as a page: plain HTML, which loads nothing but its style.
pub(crate) fn page() -> String {
    let mut page = String::from(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Lykta: paths</title>\n\
         <link rel=\"stylesheet\" href=\"/docs.css\"></head><body>\n<h1>Lykta</h1>\n<p>The same for programs: \
         <a href=\"/openapi.json\">openapi.json</a>. A token goes into <code>Authorization: Bearer TOKEN</code>, or is the \
         password of HTTP Basic. Errors are problem documents (RFC 9457).</p>\n",
    );
    for operation in OPERATIONS {
        operation_section(&mut page, operation);
    }
    page += "<h1>Shapes</h1>\n";
    if let Value::Object(schemas) = schemas() {
        for (name, schema) in schemas {
            let schema = format!("{schema:#}");
            page +=
                &format!("<h2 id=\"{}\">{}</h2>\n<pre>{}</pre>\n", html(&name), html(&name), html(&schema));
        }
    }
    page + "</body></html>\n"
}

fn operation_section(page: &mut String, operation: &Operation) {
    let (method, path) = (operation.method.as_str(), html(operation.path));
    *page += &format!("<h2><code>{method} {path}</code> {}</h2>\n", html(operation.summary));
    if !operation.description.is_empty() {
        *page += &format!("<p>{}</p>\n", html(operation.description));
    }
    let scope = operation
        .scope
        .map_or("none needed".to_owned(), |scope| format!("scope <code>{}</code>", scope.name()));
    let answer = match operation.answer {
        Answer::Json(schema) => format!("<a href=\"#{schema}\">{schema}</a>"),
        Answer::Text(media_type) => html(media_type),
    };
    let body = match operation.body {
        Body::None => "none",
        Body::File => "the file, or multipart/form-data with one file",
        Body::Multipart => "multipart/form-data with one file",
        Body::Hashes => "<a href=\"#Batch\">Batch</a>",
        Body::Digits => "hexadecimal digits",
    };
    let problems: Vec<String> = statuses(operation).iter().map(u16::to_string).collect();
    *page += &format!(
        "<table><tr><th>Token<td>{scope}<tr><th>Body<td>{body}<tr><th>Answer<td>{answer}<tr><th>Problems<td>{}",
        problems.join(", ")
    );
    for parameter in operation.parameters {
        let needed = if parameter.required { ", needed" } else { "" };
        let one_of = parameter.one_of.join(", ");
        *page += &format!(
            "<tr><th><code>{}</code><td>{}{needed} {}",
            html(parameter.name),
            html(parameter.description),
            html(&one_of)
        );
    }
    *page += "</table>\n";
}

fn html(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_that_is_checked_in_is_this_one() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");
        if std::env::var_os("LYKTA_BLESS").is_some() {
            std::fs::write(path, document_text()).unwrap();
        }
        let checked_in = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            checked_in == document_text(),
            "openapi.json is older than the table: run with LYKTA_BLESS=1"
        );
    }

    #[test]
    fn every_shape_that_is_referred_to_is_there_and_the_page_shows_all_paths() {
        let (document, page) = (document(), page());
        let text = document.to_string();
        for name in text.split("#/components/schemas/").skip(1).filter_map(|rest| rest.split('"').next()) {
            assert!(document["components"]["schemas"][name].is_object(), "{name}");
        }
        for operation in OPERATIONS {
            assert!(page.contains(&format!("{} {}", operation.method, operation.path)));
        }
        assert!(!page.contains("<script") && !page.contains("http://") && !page.contains("https://"));
    }
}
