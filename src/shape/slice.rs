//! Slices of tensors, as both Kerases write `tensor[...]`.

use serde_json::Value;

use super::axis::{Axes, Axis};

/// What `tensor[spec]` has left; `spec` is one item or a list of them.
pub(super) fn sliced(input: &Axes, spec: &Value) -> Option<Axes> {
    let items = spec.as_array().map_or(std::slice::from_ref(spec), Vec::as_slice);
    let is_ellipsis = |item: &Value| item.get("class_name").is_some_and(|class| class == "__ellipsis__");
    let named = items.iter().filter(|item| !item.is_null() && !is_ellipsis(item)).count();
    let mut free = input.len().checked_sub(named)?;
    let mut axes = input.iter().copied();
    let mut output = Axes::new();
    for item in items {
        if item.is_null() {
            output.push(Axis::new(Some(1)));
        } else if is_ellipsis(item) {
            output.extend(axes.by_ref().take(std::mem::take(&mut free)));
        } else if item.is_i64() || item.is_u64() {
            axes.next()?;
        } else {
            // Keras 3 wraps the three ends of a slice once more.
            let ends = item.get("config").unwrap_or(item).as_object()?;
            let axis = axes.next()?;
            let ends = ["start", "stop", "step"].map(|key| ends.get(key).unwrap_or(&Value::Null));
            output.push(axis.resized(slice(axis.size, ends)));
        }
    }
    output.extend(axes);
    Some(output)
}

/// The size of an axis that is sliced; `None` where an end or the axis is known at run time only.
fn slice(dim: Option<usize>, ends: [&Value; 3]) -> Option<usize> {
    let [start, stop, step] = ends.map(|end| if end.is_null() { Some(None) } else { end.as_i64().map(Some) });
    slice_length(dim?, start?, stop?, step?.unwrap_or(1))
}

/// The length of Python's `range(length)[start:stop:step]`.
fn slice_length(length: usize, start: Option<i64>, stop: Option<i64>, step: i64) -> Option<usize> {
    let length = i64::try_from(length).ok()?;
    let (least, most) = if step > 0 { (0, length) } else { (-1, length - 1) };
    let clamp = |end: i64| if end < 0 { end.saturating_add(length) } else { end }.clamp(least, most);
    let (from, to) = if step > 0 { (least, most) } else { (most, least) };
    let (from, to) = (start.map_or(from, clamp), stop.map_or(to, clamp));
    let span = if step > 0 { to - from } else { from - to };
    usize::try_from(span.max(0).unsigned_abs().div_ceil(step.unsigned_abs().max(1))).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::super::axis;
    use super::super::testing::dims;
    use super::*;

    #[test]
    fn slices_have_pythons_length() {
        // len(range(length)[start:stop:step])
        for (length, start, stop, step, expected) in [
            (8, Some(1), None, 1, 7),
            (8, None, None, 2, 4),
            (8, None, None, -3, 3),
            (8, Some(-3), Some(-1), 1, 2),
            (8, Some(6), Some(2), 1, 0),
            (8, Some(6), Some(2), -1, 4),
            (8, Some(-20), Some(20), 3, 3),
            (8, Some(20), Some(-20), -3, 3),
            (0, None, None, -1, 0),
        ] {
            assert_eq!(slice_length(length, start, stop, step), Some(expected), "{length} {start:?}:{stop:?}:{step}");
        }
    }

    #[test]
    fn slices_take_items_ellipsis_and_new_axes() {
        let slice = |spec: Value| sliced(&axis::input(0, &dims(&[-1, 8, 6, 4])), &spec).map(|axes| axis::sizes(&axes));
        let all = json!({"start": null, "stop": null, "step": null});
        let rest = json!({"class_name": "__ellipsis__"});
        assert_eq!(slice(json!([all, {"start": 1, "stop": null, "step": 2}])), Some(dims(&[-1, 4, 6, 4])));
        assert_eq!(slice(json!([rest, 0])), Some(dims(&[-1, 8, 6])));
        assert_eq!(slice(json!([all, null, rest])), Some(dims(&[-1, 1, 8, 6, 4])));
        assert_eq!(
            slice(json!([all, {"start": ["x", 0, 0], "stop": null, "step": null}])),
            Some(dims(&[-1, -1, 6, 4]))
        );
        assert_eq!(slice(json!([0, 0, 0, 0, 0])), None);
        assert_eq!(slice(json!(0)), Some(dims(&[8, 6, 4])));
    }

    proptest! {
        #[test]
        fn a_slice_is_never_longer_than_its_axis(length: usize, start: Option<i64>, stop: Option<i64>, step: i64) {
            prop_assert!(slice_length(length, start, stop, step).is_none_or(|left| left <= length));
        }
    }
}
