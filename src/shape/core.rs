//! Dense layers, and layers that rearrange a tensor's axes.

use super::axis::{Axes, Axis, Meaning, Origin};
use super::settings::{Settings, dims, integers, product, size};
use super::tensor_op::{regrouped, reshaped, transposed};
use crate::keras::classes::Features;

pub(super) fn output(settings: Settings, kind: Features, input: &Axes) -> Option<Axes> {
    let (&batch, rest) = input.split_first()?;
    match kind {
        Features::Dense => {
            let units = Some(settings.size(&["units", "output_dim"])?);
            let (&last, before) = rest.split_last()?;
            let features = if before.is_empty() { Axis::channels(units) } else { mixing(last).resized(units) };
            Some([&[batch], before, &[features]].concat())
        }
        Features::Einsum => einsum_dense(settings, input),
        Features::Embedding => {
            Some([input.as_slice(), &[Axis::channels(Some(settings.size(&["output_dim"])?))]].concat())
        }
        Features::Flatten => Some([&[batch], regrouped(rest, &[product(rest)]).as_slice()].concat()),
        Features::Reshape => {
            let target: Vec<_> = integers(settings.get("target_shape")?)?.into_iter().map(Some).collect();
            Some([vec![batch], reshaped(rest, &target)?].concat())
        }
        Features::Permute => {
            let axes = integers(settings.get("dims")?)?;
            let axes: Option<Vec<usize>> = axes.into_iter().map(|axis| usize::try_from(axis).ok()).collect();
            transposed(input, &[vec![0], axes?].concat())
        }
        Features::Repeat => match rest {
            [features] => {
                let steps = Axis::meaning(Some(settings.size(&["n"])?), Meaning::Place(Some(0)));
                Some(vec![batch, steps, *features])
            }
            _ => None,
        },
    }
}

/// What a kernel makes of an axis that it sums over.
fn mixing(axis: Axis) -> Axis {
    match axis.origin {
        Origin::Of { input, axis: place } => Axis { origin: Origin::Mixing { input, axis: place }, ..axis },
        _ => Axis::new(axis.size),
    }
}

/// The equation's output letters: sizes that the input has under a letter, else those of `output_shape`.
fn einsum_dense(settings: Settings, input: &Axes) -> Option<Axes> {
    let equation = settings.text(&["equation"])?.replace(' ', "");
    let (operands, output) = equation.split_once("->")?;
    let (first, _) = operands.split_once(',')?;
    let written = settings.get("output_shape")?;
    let written = dims(written).or_else(|| Some(vec![Some(size(written)?)]))?;
    let plain = first.strip_prefix("...").or_else(|| first.strip_suffix("...")).unwrap_or(first);
    let free = input.len().checked_sub(plain.len())?;
    let (front, back) = (first.starts_with("..."), first.ends_with("..."));
    if !plain.chars().all(|letter| letter.is_ascii_alphabetic()) || (free > 0 && !front && !back) {
        return None;
    }
    let letter_axis =
        |letter| plain.chars().position(|other| other == letter).map(|axis| axis + if front { free } else { 0 });
    let kept = if front { &input[..free] } else { &input[plain.len()..] };
    let ends = output.strip_prefix("...").map(|letters| (letters, true));
    let (letters, free_first) =
        ends.or_else(|| output.strip_suffix("...").map(|letters| (letters, false))).unwrap_or((output, true));
    let count = letters.chars().count();
    let mut summed = plain.chars().filter(|&letter| !letters.contains(letter)).filter_map(letter_axis);
    // One axis for another, as in a dense layer; of several for several none follows from one alone.
    let replaced = match (summed.next(), summed.next()) {
        (Some(axis), None) if letters.chars().filter(|&letter| letter_axis(letter).is_none()).count() == 1 => {
            mixing(input[axis])
        }
        _ => Axis::new(None),
    };
    let mut axes = Vec::with_capacity(input.len());
    for (index, letter) in letters.chars().enumerate() {
        let from_input = letter_axis(letter).map(|axis| input[axis]);
        // `output_shape` lacks the batch axis and free axes, so it is counted from the end.
        let from_end = count - index;
        let from_shape = written.len().checked_sub(from_end).map(|axis| replaced.resized(written[axis]));
        axes.push(from_input.or(from_shape)?);
    }
    let output = if free_first { [kept, &axes].concat() } else { [&axes, kept].concat() };
    (!output.is_empty()).then_some(output)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{assert_outputs, assert_unknown};

    const IMAGE: &[i64] = &[-1, 13, 10, 6];

    #[test]
    fn dense_layers_change_the_last_axis() {
        let einsum = |equation: &str, output: &[i64]| json!({"equation": equation, "output_shape": output});
        assert_outputs(&[
            ("Dense", json!({"units": 9}), IMAGE, &[-1, 13, 10, 9]),
            ("Dense", json!({"output_dim": 9}), &[-1, 4], &[-1, 9]),
            ("EinsumDense", einsum("ab...,bc->ac...", &[6]), &[-1, 4, 3, 5], &[-1, 6, 3, 5]),
            ("EinsumDense", einsum("...abc,bd->...adc", &[3, 8, 5]), &[-1, 9, 3, 7, 5], &[-1, 9, 3, 8, 5]),
            ("EinsumDense", einsum("abc,cde->abde", &[4, 3, 8]), &[-1, 4, 15], &[-1, 4, 3, 8]),
            ("EinsumDense", json!({"equation": "...x,xy->...y", "output_shape": 7}), &[-1, 4, 3, 5], &[-1, 4, 3, 7]),
        ]);
        assert_unknown("EinsumDense", &einsum("abc,cd->abd", &[3, 4]), IMAGE);
        assert_unknown("EinsumDense", &einsum("no equation", &[3, 4]), IMAGE);
    }

    #[test]
    fn embeddings_add_an_axis() {
        assert_outputs(&[("Embedding", json!({"input_dim": 20, "output_dim": 5}), &[-1, 4, 3], &[-1, 4, 3, 5])]);
    }

    #[test]
    fn flattening_multiplies_what_is_known_whole() {
        assert_outputs(&[
            ("Flatten", json!({}), IMAGE, &[-1, 780]),
            ("Flatten", json!({}), &[-1, -1, 10, 6], &[-1, -1]),
            ("Flatten", json!({}), &[-1], &[-1, 1]),
            ("Flatten", json!({}), &[-1, i64::MAX, i64::MAX], &[-1, -1]),
        ]);
    }

    #[test]
    fn an_open_size_of_a_reshape_follows_from_the_others() {
        assert_outputs(&[
            ("Reshape", json!({"target_shape": [5, -1, 3]}), IMAGE, &[-1, 5, 52, 3]),
            ("Reshape", json!({"target_shape": [-1, 6]}), &[-1, -1, 10, 6], &[-1, -1, 6]),
            ("Reshape", json!({"target_shape": [5, 2]}), &[-1, 10], &[-1, 5, 2]),
        ]);
        assert_unknown("Reshape", &json!({"target_shape": [5, 3]}), &[-1, 10]);
        assert_unknown("Reshape", &json!({"target_shape": [0, -1]}), &[-1, 10]);
    }

    #[test]
    fn axes_are_permuted_and_repeated() {
        assert_outputs(&[
            ("Permute", json!({"dims": [3, 1, 2]}), IMAGE, &[-1, 6, 13, 10]),
            ("RepeatVector", json!({"n": 4}), &[-1, 12], &[-1, 4, 12]),
        ]);
        assert_unknown("Permute", &json!({"dims": [3, 1, 1]}), IMAGE);
    }
}
