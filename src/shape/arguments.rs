//! The arguments of a call, as either Keras writes them: which tensors go under which name.

use std::ops::Range;

use serde_json::Value;

/// Where an argument stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place<'a> {
    /// Among those without a name, counted from 0.
    At(usize),
    Named(&'a str),
}

/// The arguments of a call.
pub(super) struct Arguments<'a> {
    /// Each with the tensors in it, which are counted over the whole call.
    written: Vec<(Place<'a>, &'a Value, Range<usize>)>,
}

impl<'a> Arguments<'a> {
    /// Reads a node that has so many tensors; `None` where they are not those that it seems to have.
    pub fn read(node: &'a Value, tensors: usize) -> Option<Self> {
        let mut arguments = Arguments { written: Vec::new() };
        match (node.get("args").and_then(Value::as_array), node.get("kwargs").and_then(Value::as_object)) {
            (Some(args), Some(kwargs)) => {
                args.iter().enumerate().for_each(|(index, value)| arguments.add(Place::At(index), value, is_tensor));
                let mut kwargs: Vec<_> = kwargs.iter().collect();
                kwargs.sort_by(|a, b| a.0.cmp(b.0));
                kwargs.into_iter().for_each(|(name, value)| arguments.add(Place::Named(name), value, is_tensor));
            }
            _ => {
                // The first argument, whose first tensor has the others beside it.
                arguments.add(Place::At(0), node, is_reference);
                let first = node.as_array()?.first()?;
                let named = if is_reference(first) { first.get(3) } else { node.get(3) };
                for (name, value) in named.and_then(Value::as_object).into_iter().flatten() {
                    arguments.add(Place::Named(name), value, is_reference);
                }
            }
        }
        (arguments.count() == tensors).then_some(arguments)
    }

    fn count(&self) -> usize {
        self.written.last().map_or(0, |(.., tensors)| tensors.end)
    }

    fn add(&mut self, place: Place<'a>, value: &'a Value, is_leaf: fn(&Value) -> bool) {
        let first = self.count();
        self.written.push((place, value, first..first + leaves(value, is_leaf)));
    }

    fn find(&self, name: &str, position: usize) -> Option<&(Place<'a>, &'a Value, Range<usize>)> {
        self.written.iter().find(|(place, ..)| match *place {
            Place::At(at) => at == position,
            Place::Named(named) => named == name,
        })
    }

    /// The tensors in an argument, by its name or its position.
    pub fn tensors(&self, name: &str, position: usize) -> Range<usize> {
        self.find(name, position).map_or(0..0, |(.., tensors)| tensors.clone())
    }

    /// Whether an argument is set that is off unless it is named; `None` where that is only known at run time.
    pub fn flag(&self, name: &str, position: usize) -> Option<bool> {
        match self.find(name, position) {
            None | Some((_, Value::Null, _)) => Some(false),
            Some((_, value, _)) => value.as_bool(),
        }
    }
}

fn is_tensor(value: &Value) -> bool {
    value.get("class_name").is_some_and(|class| class == "__keras_tensor__")
}

fn is_reference(value: &Value) -> bool {
    match value.as_array().map(Vec::as_slice) {
        Some([Value::String(_), node, tensor, ..]) => node.is_u64() && tensor.is_u64(),
        _ => false,
    }
}

fn leaves(value: &Value, is_leaf: fn(&Value) -> bool) -> usize {
    match value {
        value if is_leaf(value) => 1,
        Value::Array(list) => list.iter().map(|value| leaves(value, is_leaf)).sum(),
        Value::Object(fields) => fields.values().map(|value| leaves(value, is_leaf)).sum(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn tensors_are_found_by_name_or_position_in_both_kerases() {
        let tensor = json!({"class_name": "__keras_tensor__", "config": {}});
        let keras3 =
            json!({"args": [tensor, [tensor, tensor]], "kwargs": {"mask": null, "key": tensor, "causal": true}});
        let keras2 = json!([["q", 0, 0, {"value": [["v", 0, 0], ["w", 0, 1]], "key": ["k", 1, 0], "causal": true}]]);
        for (node, key) in [(keras3, 3..4), (keras2, 3..4)] {
            let arguments = Arguments::read(&node, 4).expect("four tensors");
            assert_eq!(arguments.tensors("query", 0), 0..1);
            assert_eq!(arguments.tensors("value", 1), 1..3);
            assert_eq!(arguments.tensors("key", 2), key);
            assert!(arguments.tensors("mask", 7).is_empty());
            assert_eq!(arguments.flag("causal", 9), Some(true));
            assert_eq!(arguments.flag("training", 9), Some(false));
            assert_eq!(arguments.flag("key", 9), None);
            assert!(Arguments::read(&node, 5).is_none());
        }
        let listed = json!([["q", 0, 0, {"return": true}], ["v", 0, 0, {}]]);
        let arguments = Arguments::read(&listed, 2).expect("two tensors");
        assert_eq!((arguments.tensors("inputs", 0), arguments.flag("return", 3)), (0..2, Some(true)));
    }
}
