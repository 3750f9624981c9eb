use serde_json::{Value, json};

use crate::error_model::{Model, ModelError};
use crate::value::{Mix, ValueClass};

fn good() -> Value {
    json!({
        "_remark": {"tensors": 3},
        "bullet_wake": {
            "frequency": 3,
            "domain_classes": [{"frequency": 1, "in_range": [100.0, 100.0]}],
            "parameters": [{
                "conditional_frequency": 0.5,
                "keys": {"affected_channels_pct": [0.0, 10.0]},
                "stats": {"max_corrupted_channels": 4, "min_channel_skip": 1, "max_channel_skip": {"RANDOM": [1, 2]}},
            }],
        },
        "single": {
            "frequency": 1,
            "domain_classes": [{"frequency": 2, "random": [100.0, 100.0], "values": {"in_range": 1, "zero": 3}}],
            "parameters": [{"conditional_frequency": 1, "keys": {}, "stats": {}}],
        },
    })
}

fn parse(model: &Value) -> Result<Model, ModelError> {
    Model::parse("mine/relu", "mine/relu.json", model.to_string().as_bytes())
}

/// The problems of the good model with the value at `pointer` replaced, or taken out.
fn broken(pointer: &str, value: Option<Value>) -> String {
    let mut model = good();
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let parent = model.pointer_mut(parent).unwrap();
    match value {
        Some(value) => match parent {
            Value::Array(items) => items[name.parse::<usize>().unwrap()] = value,
            parent => parent[name] = value,
        },
        None => drop(parent.as_object_mut().unwrap().remove(name)),
    }
    parse(&model).unwrap_err().to_string()
}

#[test]
fn a_good_model_is_read_and_its_weights_normalised() {
    let model = parse(&good()).unwrap();
    let classes: Vec<_> = model.classes().iter().map(|(weight, class)| (weight, class.class.name())).collect();
    assert_eq!(classes, [(0.75, "bullet_wake"), (0.25, "single")]);
    let (_, single) = model.classes().iter().last().unwrap();
    let (_, mix) = single.mixes.iter().next().unwrap();
    let Mix::Each(weights) = mix else { panic!("not a mix of each cell") };
    assert_eq!(weights.iter().collect::<Vec<_>>(), [(0.25, &ValueClass::InRange), (0.75, &ValueClass::Zero)]);
    assert!(model.id().starts_with("mine/relu@"));
    assert_eq!(model.id().len(), "mine/relu@".len() + 12);
}

#[test]
fn counts_serve_where_frequencies_are_missing_and_published_statistics_are_remarks() {
    let mut model = good();
    model["categories_count"] = json!(7);
    model["single"]["overall_frequency"] = json!(0.1);
    model["single"]["count"] = json!(9);
    model["single"].as_object_mut().unwrap().remove("frequency");
    model["single"]["domain_classes"][0] = json!({"count": 5, "overall_frequency": 0.2, "zero": [100, 100]});
    model["single"]["parameters"][0] = json!({"count": 5, "categories_count": 2, "overall_frequency": 1});
    let read = parse(&model).unwrap();
    assert_eq!(read.classes().iter().map(|(weight, _)| weight).collect::<Vec<_>>(), [0.25, 0.75]);
}

#[test]
fn each_problem_says_file_place_and_reason() {
    let range = "not a range [from, to] with 0 <= from <= to <= 100";
    for (pointer, value, message) in [
        ("/bullet", Some(json!({})), "/bullet: 'bullet' is not a spatial class: single, same_row, "),
        ("/single", Some(json!(3)), "/single: not a JSON object"),
        ("/single/frequency", None, "/single: the weight is missing: neither \"frequency\" nor \"count\""),
        ("/single/frequency", Some(json!(-1)), "/single/frequency: not a weight: a number of at least 0"),
        ("/single/frequency", Some(json!("1")), "/single/frequency: not a weight: a number of at least 0"),
        ("/single/domain_classes", None, "/single: \"domain_classes\" is missing"),
        ("/single/domain_classes", Some(json!([])), "/single/domain_classes: the list is empty"),
        ("/single/domain_classes", Some(json!({})), "/single/domain_classes: not a list"),
        ("/single/parameters", None, "/single: \"parameters\" is missing"),
        (
            "/single/domain_classes/0/values/inf",
            Some(json!(1)),
            "/single/domain_classes/0/values/inf: 'inf' is not a value class: in_range, out_of_range, zero, nan, flip",
        ),
        (
            "/single/domain_classes/0/values",
            None,
            "/single/domain_classes/0: \"values\" is missing, the weights of \"random\"",
        ),
        (
            "/single/domain_classes/0/values",
            Some(json!({"zero": 0})),
            "/single/domain_classes/0/values: no weight above 0",
        ),
        (
            "/bullet_wake/domain_classes/0/in_range",
            Some(json!([100, 101])),
            &format!("/bullet_wake/domain_classes/0/in_range: {range}"),
        ),
        (
            "/bullet_wake/domain_classes/0",
            Some(json!({"frequency": 1})),
            "/bullet_wake/domain_classes/0: no value class",
        ),
        (
            "/bullet_wake/domain_classes/0",
            Some(json!({"frequency": 1, "zero": [1, 2], "nan": [1, 2], "flip": [1, 2]})),
            "/bullet_wake/domain_classes/0: three or more value classes without \"random\"",
        ),
        (
            "/bullet_wake/parameters/0/stats/min_channel_skip",
            None,
            "/bullet_wake/parameters/0: the parameter min_channel_skip is missing",
        ),
        (
            "/bullet_wake/parameters/0/stats/max_channel_skip",
            Some(json!({"RANDOM": []})),
            "/bullet_wake/parameters/0/stats/max_channel_skip: the choices are empty",
        ),
        (
            "/bullet_wake/parameters/0/keys/affected_channels_pct",
            Some(json!([10, 0])),
            &format!("/bullet_wake/parameters/0/keys/affected_channels_pct: {range}"),
        ),
    ] {
        let problems = broken(pointer, value);
        let expected = format!("mine/relu.json: {message}");
        assert!(problems == expected || message.ends_with(", ") && problems.starts_with(&expected), "{problems}");
    }
    let mut upside_down = good();
    upside_down["bullet_wake"]["parameters"][0]["stats"]["min_channel_skip"] = json!(3);
    upside_down["bullet_wake"]["parameters"][0]["stats"]["max_channel_skip"] = json!(2);
    assert_eq!(
        parse(&upside_down).unwrap_err().to_string(),
        "mine/relu.json: /bullet_wake/parameters/0/stats/min_channel_skip: min_channel_skip is more than \
         max_channel_skip"
    );
}

#[test]
fn all_problems_are_told_at_once() {
    let mut model = good();
    model["single"]["frequency"] = json!(-1);
    model["bullet_wake"]["parameters"][0]["keys"] = json!({});
    model["bullet_wake"]["domain_classes"][0]["in_range"] = json!(100);
    let error = parse(&model).unwrap_err();
    let pointers: Vec<_> = error.problems.iter().map(|problem| problem.pointer.as_str()).collect();
    assert_eq!(pointers, ["/bullet_wake/domain_classes/0/in_range", "/bullet_wake/parameters/0", "/single/frequency"]);
}

#[test]
fn what_is_no_model_at_all_is_refused() {
    for (text, message) in [
        ("", "not JSON: EOF while parsing a value at line 1 column 0"),
        ("[]", "not a JSON object of spatial classes"),
        ("{}", "no spatial class"),
        ("{\"_source\": \"me\", \"count\": 3}", "no spatial class"),
    ] {
        let error = Model::parse("a/b", "b.json", text.as_bytes()).unwrap_err();
        assert_eq!(error.to_string(), format!("b.json: {message}"));
    }
    let mut none = good();
    none["single"]["frequency"] = json!(0);
    none["bullet_wake"]["frequency"] = json!(0);
    assert_eq!(parse(&none).unwrap_err().to_string(), "mine/relu.json: no weight above 0");
}
