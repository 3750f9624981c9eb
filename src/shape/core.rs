//! Dense layers, and layers that rearrange a tensor's axes.

use super::Dims;
use super::settings::{Settings, dims, integers, place, product};
use super::tensor_op;

pub(super) fn output(settings: Settings, input: &Dims) -> Option<Dims> {
    let (&batch, rest) = input.split_first()?;
    match settings.class {
        "Dense" => {
            let units = settings.size(&["units", "output_dim"])?;
            let (_, before) = rest.split_last()?;
            Some([&[batch], before, &[Some(units)]].concat())
        }
        "EinsumDense" => einsum_dense(settings, input),
        "Embedding" => Some([input.as_slice(), &[Some(settings.size(&["output_dim"])?)]].concat()),
        "Flatten" => Some(vec![batch, product(rest)]),
        "Reshape" => {
            let target: Vec<_> = integers(settings.get("target_shape")?)?.into_iter().map(Some).collect();
            Some([vec![batch], tensor_op::reshaped(rest, &target)?].concat())
        }
        "Permute" => {
            let axes = integers(settings.get("dims")?)?;
            let axes: Option<Vec<usize>> = axes.into_iter().map(|axis| usize::try_from(axis).ok()).collect();
            tensor_op::transposed(input, &[vec![0], axes?].concat())
        }
        "RepeatVector" => match rest {
            [features] => Some(vec![batch, Some(settings.size(&["n"])?), *features]),
            _ => None,
        },
        _ => None,
    }
}

/// The equation's output letters: sizes that the input has under a letter, else those of `output_shape`.
fn einsum_dense(settings: Settings, input: &Dims) -> Option<Dims> {
    let equation = settings.text(&["equation"])?.replace(' ', "");
    let (operands, output) = equation.split_once("->")?;
    let (first, _) = operands.split_once(',')?;
    let written = settings.get("output_shape")?;
    let written = dims(written).or_else(|| Some(vec![Some(super::settings::size(written)?)]))?;
    let plain = first.strip_prefix("...").or_else(|| first.strip_suffix("...")).unwrap_or(first);
    let free = input.len().checked_sub(plain.len())?;
    let (front, back) = (first.starts_with("..."), first.ends_with("..."));
    if !plain.chars().all(char::is_alphabetic) || (free > 0 && !front && !back) {
        return None;
    }
    let letter_axis =
        |letter| plain.chars().position(|other| other == letter).map(|axis| axis + if front { free } else { 0 });
    let kept = if front { &input[..free] } else { &input[plain.len()..] };
    let ends = output.strip_prefix("...").map(|letters| (letters, true));
    let (letters, free_first) =
        ends.or_else(|| output.strip_suffix("...").map(|letters| (letters, false))).unwrap_or((output, true));
    let count = letters.chars().count();
    let mut sizes = Vec::with_capacity(input.len());
    for (index, letter) in letters.chars().enumerate() {
        let from_input = letter_axis(letter).map(|axis| input[axis]);
        // `output_shape` has no batch axis; counted from the end it fits with and without free axes.
        let from_end = if free_first { count - index } else { count + free - index };
        let from_shape = written.len().checked_sub(from_end).map(|axis| written[axis]);
        sizes.push(from_input.or(from_shape)?);
    }
    let output = if free_first { [kept, &sizes].concat() } else { [&sizes, kept].concat() };
    (place(0, output.len()).is_some()).then_some(output)
}
