//! Patches read and applied: ours, those of other tools, and those of strangers.

use json_patch::jsonptr::Pointer;
use json_patch::{AddOperation, CopyOperation, MoveOperation, Patch, PatchOperation, ReplaceOperation, TestOperation};
use serde_json::Value;

use super::PatchError;
use crate::json::{self, Arrays};
use crate::text::shown;

/// Reads a patch from a parsed document.
pub fn from_value(mut value: Value) -> Result<Patch, PatchError> {
    // Serde spells some numbers anew (`-0`), so what the operations put or test goes round it.
    let operations = value.as_array_mut().into_iter().flatten();
    let values: Vec<Option<Value>> = operations.map(|operation| operation.get_mut("value").map(Value::take)).collect();
    let mut patch: Patch = serde_json::from_value(value).map_err(|error| PatchError::Malformed(error.to_string()))?;
    for (operation, given) in patch.0.iter_mut().zip(values) {
        if let (
            PatchOperation::Add(AddOperation { value, .. })
            | PatchOperation::Replace(ReplaceOperation { value, .. })
            | PatchOperation::Test(TestOperation { value, .. }),
            Some(given),
        ) = (operation, given)
        {
            *value = given;
        }
    }
    Ok(patch)
}

/// The deepest nesting that a patched document may have: that of any text that the JSON parser takes.
const DEEPEST: usize = 127;

/// The most that all `copy` operations of a patch may copy, in values: a few of them can double a document again and again.
const MOST_COPIED: usize = 1 << 20;

/// Applies a patch; `arrays` are those of the document and the patch. Where it fails, the document is what it was.
pub fn apply(document: &mut Value, patch: &Patch, arrays: &Arrays) -> Result<(), PatchError> {
    let mut patched = document.clone();
    let mut copied = 0;
    for (index, operation) in patch.0.iter().enumerate() {
        unfold_along(&mut patched, operation.path(), arrays);
        if let PatchOperation::Move(MoveOperation { from, .. }) | PatchOperation::Copy(CopyOperation { from, .. }) =
            operation
        {
            unfold_along(&mut patched, from, arrays);
        }
        let at = operation.path();
        let excess = |why| PatchError::Excess { index, at: at.to_owned(), why };
        if let Some(value) = placed(&patched, operation)
            && at.count() + depth(value) > DEEPEST
        {
            return Err(excess("the value would lie too deep"));
        }
        if let PatchOperation::Copy(copy) = operation {
            copied += copy.from.resolve(&patched).map_or(0, |value| count(value, arrays));
            if copied > MOST_COPIED {
                return Err(excess("the patch copies too much"));
            }
        }
        if let PatchOperation::Test(test) = operation {
            let found = test.path.resolve(&patched).ok();
            if !found.is_some_and(|found| is_equal(found, &test.value, arrays)) {
                let (expected, found) = (brief(Some(&test.value)), brief(found));
                return Err(PatchError::TestFailed { index, at: test.path.clone(), expected, found });
            }
        } else {
            json_patch::patch(&mut patched, std::slice::from_ref(operation))
                .map_err(|error| PatchError::Impossible { index, why: error.kind.to_string(), at: error.path })?;
        }
    }
    *document = patched;
    Ok(())
}

/// The value that an operation puts somewhere.
fn placed<'v>(document: &'v Value, operation: &'v PatchOperation) -> Option<&'v Value> {
    match operation {
        PatchOperation::Add(add) => Some(&add.value),
        PatchOperation::Replace(replace) => Some(&replace.value),
        PatchOperation::Copy(copy) => copy.from.resolve(document).ok(),
        PatchOperation::Move(from) => from.from.resolve(document).ok(),
        PatchOperation::Remove(_) | PatchOperation::Test(_) => None,
    }
}

fn children(value: &Value) -> Box<dyn Iterator<Item = &Value> + '_> {
    match value {
        Value::Array(list) => Box::new(list.iter()),
        Value::Object(fields) => Box::new(fields.values()),
        _ => Box::new(std::iter::empty()),
    }
}

/// How many levels of brackets a value has.
fn depth(value: &Value) -> usize {
    match value {
        Value::Array(_) | Value::Object(_) => 1 + children(value).map(depth).max().unwrap_or(0),
        _ => 0,
    }
}

/// How many values a value consists of, those of arrays that are held aside included.
fn count(value: &Value, arrays: &Arrays) -> usize {
    match json::index_of(value) {
        Some(index) => arrays.values(index),
        None => 1 + children(value).map(|value| count(value, arrays)).sum::<usize>(),
    }
}

/// Makes values of an array that is held aside, where a path leads into it.
fn unfold_along(mut value: &mut Value, path: &Pointer, arrays: &Arrays) {
    for token in path.tokens() {
        if let Some(unfolded) = arrays.unfold(value) {
            *value = unfolded;
        }
        let inner = match value {
            Value::Object(fields) => fields.get_mut(&*token.decoded()),
            Value::Array(values) => token.decoded().parse().ok().and_then(|index: usize| values.get_mut(index)),
            _ => None,
        };
        let Some(inner) = inner else { return };
        value = inner;
    }
}

/// RFC 6902's equality: numbers by value, however they are spelt; arrays whether or not they are held aside.
fn is_equal(a: &Value, b: &Value, arrays: &Arrays) -> bool {
    let is_equal = |a: &Value, b: &Value| is_equal(a, b, arrays);
    if let Some(a) = arrays.unfold(a) {
        return is_equal(&a, b);
    }
    if let Some(b) = arrays.unfold(b) {
        return is_equal(a, &b);
    }
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a == b || (a.as_f64() == b.as_f64() && a.as_f64().is_some()),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| is_equal(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| is_equal(a, b)))
        }
        _ => a == b,
    }
}

/// A value on a few characters.
fn brief(value: Option<&Value>) -> String {
    match value {
        None => "nothing".to_owned(),
        Some(held) if json::index_of(held).is_some() => "a list".to_owned(),
        Some(Value::Array(_)) => "a list".to_owned(),
        Some(object @ Value::Object(_)) => json::bare_token(object).unwrap_or("an object").to_owned(),
        Some(leaf) => shown(&leaf.to_string().chars().take(80).collect::<String>()),
    }
}

#[cfg(test)]
mod tests {
    use json_patch::jsonptr::PointerBuf;
    use serde_json::json;

    use super::*;
    use crate::change::Change;
    use crate::patch::build;

    fn at(path: &str) -> PointerBuf {
        PointerBuf::parse(path).expect("a pointer")
    }

    #[test]
    fn a_failed_test_says_what_it_found_and_changes_nothing() {
        let patch = build(&[
            Change::Set { at: at("/a"), old: json!(1), new: json!(2) },
            Change::Set { at: at("/b/0"), old: json!("x"), new: json!("z") },
        ]);
        let mut document = json!({"a": 1, "b": ["y"]});
        let error = apply(&mut document, &patch, &Arrays::default()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "operation 2 of the patch: the test at /b/0 fails: \"y\" stands there, not \"x\""
        );
        assert_eq!(document, json!({"a": 1, "b": ["y"]}));
    }

    #[test]
    fn numbers_are_equal_by_value_however_they_are_spelt() {
        let parsed = |text: &str| json::parse(text, &mut Arrays::default()).expect("JSON").value;
        let mut document = parsed(r#"{"a": [8, 1e-07, {"b": 1.0}], "big": 9007199254740993}"#);
        let test = |path: &str, value: &str| {
            from_value(json!([{"op": "test", "path": path, "value": parsed(value)}])).expect("a patch")
        };
        assert_eq!(apply(&mut document, &test("/a", r#"[8.0, 0.0000001, {"b": 1}]"#), &Arrays::default()), Ok(()));
        assert!(apply(&mut document, &test("/a/0", "9"), &Arrays::default()).is_err());
        assert!(apply(&mut document, &test("/a/0", r#""8""#), &Arrays::default()).is_err());
    }

    #[test]
    fn a_patch_cannot_blow_a_document_up() {
        let double = json!({"op": "copy", "from": "", "path": "/a"});
        let error =
            apply(&mut json!({"a": 0}), &from_value(json!(vec![double; 200])).expect("a patch"), &Arrays::default())
                .unwrap_err();
        assert_eq!(error.to_string(), "operation 126 of the patch: the value would lie too deep at '/a'");

        let double =
            [json!({"op": "copy", "from": "/a", "path": "/b"}), json!({"op": "copy", "from": "/b", "path": "/a/-"})];
        let mut twice = vec![json!({"op": "add", "path": "/a", "value": [0]})];
        twice.extend(vec![double; 60].concat());
        let error = apply(&mut json!({}), &from_value(json!(twice)).expect("a patch"), &Arrays::default()).unwrap_err();
        assert!(error.to_string().contains("the patch copies too much at"), "{error}");

        let mut arrays = Arrays::default();
        let held = format!(r#"{{"masks": [{}0]}}"#, "0,".repeat(1 << 19));
        let mut document = json::parse(&held, &mut arrays).expect("JSON").value;
        let copies: Vec<Value> =
            (0..3).map(|n| json!({"op": "copy", "from": "/masks", "path": format!("/{n}")})).collect();
        let error = apply(&mut document, &from_value(json!(copies)).expect("a patch"), &arrays).unwrap_err();
        assert!(error.to_string().starts_with("operation 1 of the patch: the patch copies too much at"), "{error}");

        let mut deep = json!(0);
        (0..100).for_each(|_| deep = json!([deep]));
        let inside = "/0".repeat(100);
        let nest = json!([{"op": "add", "path": "", "value": deep}, {"op": "add", "path": inside, "value": deep}]);
        let error = apply(&mut json!({}), &from_value(nest).expect("a patch"), &Arrays::default()).unwrap_err();
        assert_eq!(error.to_string(), format!("operation 1 of the patch: the value would lie too deep at '{inside}'"));
    }

    #[test]
    fn what_is_no_patch_is_refused() {
        let error = from_value(json!([{"op": "frobnicate", "path": "/a"}])).unwrap_err();
        assert!(
            error.to_string().starts_with("the patch is not one of RFC 6902: unknown variant `frobnicate`"),
            "{error}"
        );
    }

    #[test]
    fn arrays_that_are_held_aside_are_patched_as_all_else() {
        let mut arrays = Arrays::default();
        let text = r#"{"s": {"masks": [[1, 0], ["NaN", 2]], "available_injection_sites": [[0]]}}"#;
        let mut document = json::parse(text, &mut arrays).expect("JSON").value;
        let patch = r#"[
            {"op": "test", "path": "/s/masks", "value": [[1, 0.0], ["NaN", 2]]},
            {"op": "test", "path": "/s", "value": {"masks": [[1.0, 0], [NaN, 2]], "available_injection_sites": [[0]]}},
            {"op": "copy", "from": "/s", "path": "/t"},
            {"op": "replace", "path": "/s/masks/1/0", "value": 5},
            {"op": "move", "from": "/s/masks/0", "path": "/row"},
            {"op": "add", "path": "/u", "value": {"masks": [[7]]}}]"#;
        let patch = json::parse(patch, &mut arrays).expect("JSON").value;
        apply(&mut document, &from_value(patch).expect("a patch"), &arrays).expect("applies");
        let mut out = Vec::new();
        json::write_compact(&document, &arrays, &mut out).expect("memory");
        assert_eq!(
            String::from_utf8(out).expect("UTF-8").trim_end(),
            r#"{"s":{"masks":[[5,2]],"available_injection_sites":[[0]]},"t":{"masks":[[1,0],["NaN",2]],"available_injection_sites":[[0]]},"row":[1,0],"u":{"masks":[[7]]}}"#
        );
        let wrong = json!([{"op": "test", "path": "/t/masks", "value": [[1, 0], ["NaN", 3]]}]);
        let error = apply(&mut document, &from_value(wrong).expect("a patch"), &arrays).unwrap_err();
        assert_eq!(
            error.to_string(),
            "operation 0 of the patch: the test at /t/masks fails: a list stands there, not a list"
        );
    }
}
