//! Whether an answer is what the OpenAPI document says: as much of JSON Schema as the document uses.

use serde_json::Value;

use crate::place::Reply;

/// Compares an answer with the document.
#[track_caller]
pub(crate) fn check(method: &str, path: &str, reply: &Reply) {
    let document = lykta_server::document();
    let operation = &document["paths"][path][method];
    let response = &operation["responses"][reply.status.to_string()];
    assert!(response.is_object(), "{method} {path} says nothing of {}", reply.status);
    let response = match response["$ref"].as_str() {
        Some(reference) => at(&document, reference),
        None => response,
    };
    let content = response["content"].as_object().unwrap();
    let (media_type, content) = content.iter().next().unwrap();
    assert!(reply.head.contains(&format!("content-type: {media_type}")), "{media_type}: {}", reply.head);
    if media_type.ends_with("json") {
        let mut wrong = Vec::new();
        compare(&document, &content["schema"], &reply.json(), "answer", &mut wrong);
        assert!(wrong.is_empty(), "{method} {path}: {wrong:?}\n{}", reply.text());
    }
}

fn at<'d>(document: &'d Value, reference: &str) -> &'d Value {
    document.pointer(reference.trim_start_matches('#')).unwrap_or_else(|| panic!("{reference}"))
}

fn compare(document: &Value, schema: &Value, value: &Value, place: &str, wrong: &mut Vec<String>) {
    if let Some(reference) = schema["$ref"].as_str() {
        return compare(document, at(document, reference), value, place, wrong);
    }
    if let Some(ways) = schema["anyOf"].as_array() {
        let fits = |way: &Value| {
            let mut wrong = Vec::new();
            compare(document, way, value, place, &mut wrong);
            wrong.is_empty()
        };
        if !ways.iter().any(fits) {
            wrong.push(format!("{place} is none of the ways"));
        }
        return;
    }
    let kinds: Vec<&str> = match &schema["type"] {
        Value::String(kind) => vec![kind],
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        _ => return,
    };
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    if !kinds.contains(&kind) {
        wrong.push(format!("{place} is {kind}, not {kinds:?}"));
    }
    if let (Some(words), Some(word)) = (schema["enum"].as_array(), value.as_str())
        && !words.iter().any(|one| one == word)
    {
        wrong.push(format!("{place} is {word}"));
    }
    for (number, item) in value.as_array().into_iter().flatten().enumerate() {
        compare(document, &schema["items"], item, &format!("{place}[{number}]"), wrong);
    }
    for key in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if value.get(key).is_none() {
            wrong.push(format!("{place} lacks {key}"));
        }
    }
    for (key, item) in value.as_object().into_iter().flatten() {
        let place = format!("{place}.{key}");
        match (schema["properties"].get(key), &schema["additionalProperties"]) {
            (Some(schema), _) => compare(document, schema, item, &place, wrong),
            (None, Value::Bool(false)) => wrong.push(format!("{place} is not in the document")),
            (None, schema) => compare(document, schema, item, &place, wrong),
        }
    }
}
