//! Attention: what a query finds in a value by its key.

use super::arguments::Arguments;
use super::axis::{Axes, Axis};
use super::settings::{Settings, integers, place, sizes};
use crate::keras::classes::Attention;

/// The output, and the scores where they are returned.
pub(super) fn outputs(
    settings: Settings,
    kind: Attention,
    arguments: &Arguments,
    inputs: &[Option<Axes>],
) -> Option<Vec<Axes>> {
    match kind {
        Attention::Listed => {
            let (query, value, key) = match inputs.get(arguments.tensors("inputs", 0))? {
                [Some(query), Some(value)] => (query, value, value),
                [Some(query), Some(value), Some(key)] => (query, value, key),
                _ => return None,
            };
            let (_, before) = query.split_last()?;
            let output = [before, &[Axis::channels(value.last()?.size)]].concat();
            let scores = [before, &[*key.get(key.len().checked_sub(2)?)?]].concat();
            returned(output, scores, arguments.flag("return_attention_scores", 3)?)
        }
        Attention::Headed => {
            let input = |name, position| inputs.get(arguments.tensors(name, position)).and_then(|found| found.first());
            let (query, value) = (input("query", 0)?, input("value", 1)?);
            let key = input("key", 2).unwrap_or(value);
            headed(settings, query.as_ref()?, key.as_ref()?, arguments)
        }
    }
}

fn headed(settings: Settings, query: &Axes, key: &Axes, arguments: &Arguments) -> Option<Vec<Axes>> {
    let (last, before) = query.split_last()?;
    if key.len() != query.len() {
        return None;
    }
    let made: Axes = match settings.get("output_shape") {
        None => vec![Axis::channels(last.size)],
        Some(shape) => match sizes(shape, shape.as_array().map_or(1, Vec::len))?.as_slice() {
            &[features] => vec![Axis::channels(Some(features))],
            several => several.iter().map(|&size| Axis::new(Some(size))).collect(),
        },
    };
    let attended: Vec<usize> = match settings.get("attention_axes") {
        None => (1..before.len()).collect(),
        Some(axes) => integers(axes)?.into_iter().map(|axis| place(axis, query.len())).collect::<Option<_>>()?,
    };
    // All but the attended ones, then the heads, then those of the query and of the key.
    let kept = (0..before.len()).filter(|axis| !attended.contains(axis)).map(|axis| query[axis]);
    let heads = Axis::new(Some(settings.size(&["num_heads", "num_query_heads"])?));
    let pairs = attended.iter().map(|&axis| query[axis]).chain(attended.iter().map(|&axis| key[axis]));
    let scores = kept.chain([heads]).chain(pairs).collect();
    returned([before, &made].concat(), scores, arguments.flag("return_attention_scores", 7)?)
}

fn returned(output: Axes, scores: Axes, has_scores: bool) -> Option<Vec<Axes>> {
    Some(if has_scores { vec![output, scores] } else { vec![output] })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::testing::dims;
    use super::super::{axis, rules};
    use crate::graph::Layer;
    use crate::{config, graph};

    fn outputs(class: &str, config: Value, inputs: &[&[i64]], named: Value) -> Vec<Vec<Option<usize>>> {
        let mut node: Vec<Value> = (0..inputs.len()).map(|_| json!(["x", 0, 0, {}])).collect();
        if named.is_object() {
            node = vec![json!(["x", 0, 0, named])];
        }
        let input = json!({"class_name": "InputLayer", "name": "x", "config": {}, "inbound_nodes": []});
        let layer = json!({"class_name": class, "name": "layer", "config": config, "inbound_nodes": [node]});
        let document = json!({"class_name": "Functional", "config": {
            "layers": [input, layer], "input_layers": [["x", 0, 0]], "output_layers": [["layer", 0, 0]],
        }});
        let graph: graph::Graph = config::read(&document).expect("a model");
        let layer: &Layer = &graph.layers[1];
        let inputs: Vec<_> = inputs.iter().map(|input| Some(dims(input))).collect();
        rules::outputs(&rules::CallSite::new(layer, 0), &inputs).iter().map(|axes| axis::sizes(axes)).collect()
    }

    #[test]
    fn heads_put_out_what_the_query_is_and_score_it_with_the_key() {
        let heads = |more: Value| {
            let mut config = json!({"num_heads": 2, "key_dim": 3, "output_shape": null, "attention_axes": null});
            more.as_object().expect("more").iter().for_each(|(key, value)| config[key] = value.clone());
            config
        };
        let value = json!({"value": ["x", 0, 0], "return_attention_scores": true});
        let (query, other): (&[i64], &[i64]) = (&[-1, 7, 6], &[-1, 9, 5]);
        let of = |config: Value, inputs: &[&[i64]]| outputs("MultiHeadAttention", config, inputs, value.clone());
        assert_eq!(of(heads(json!({})), &[query, other]), [dims(&[-1, 7, 6]), dims(&[-1, 2, 7, 9])]);
        assert_eq!(of(heads(json!({"output_shape": [4]})), &[query, other])[0], dims(&[-1, 7, 4]));
        assert_eq!(of(heads(json!({"output_shape": 4})), &[query, other])[0], dims(&[-1, 7, 4]));
        assert_eq!(of(heads(json!({"output_shape": [4, 2]})), &[query, other])[0], dims(&[-1, 7, 4, 2]));
        let (image, wide): (&[i64], &[i64]) = (&[-1, 4, 7, 6], &[-1, 4, 9, 6]);
        let across = of(heads(json!({"attention_axes": [2]})), &[image, wide]);
        assert_eq!(across, [dims(&[-1, 4, 7, 6]), dims(&[-1, 4, 2, 7, 9])]);
        let whole = of(heads(json!({})), &[image, wide]);
        assert_eq!(whole[1], dims(&[-1, 2, 4, 7, 4, 9]));
        // A flag that is a tensor: how many outputs there are, nobody knows.
        let unknown = json!({"value": ["x", 0, 0], "return_attention_scores": ["x", 0, 0]});
        assert!(outputs("MultiHeadAttention", heads(json!({})), &[query, other, &[1]], unknown).is_empty());
    }

    #[test]
    fn a_list_is_query_value_and_key() {
        let (query, value, key): (&[i64], &[i64], &[i64]) = (&[-1, 7, 6], &[-1, 9, 5], &[-1, 9, 6]);
        for class in ["Attention", "AdditiveAttention"] {
            assert_eq!(outputs(class, json!({}), &[query, value, key], Value::Null), [dims(&[-1, 7, 5])]);
            assert_eq!(outputs(class, json!({}), &[query, key], Value::Null), [dims(&[-1, 7, 6])]);
            assert!(outputs(class, json!({}), &[query], Value::Null).is_empty());
        }
    }
}
