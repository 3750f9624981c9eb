//! Axes on their way through a rule: their sizes, what they mean, and where they come from.

use super::Dims;

/// What an axis of a tensor stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Meaning {
    /// The samples that are computed at once.
    Batch,
    /// Places in space or time, counted from the innermost: 0 is the width of an image or the steps of a sequence, 1 the
    /// height, 2 the depth of a volume. `None`: one of them, not known which.
    Place(Option<u8>),
    /// Several such axes in one, or sometimes one and sometimes another.
    Places,
    /// Channels, or features.
    Channels,
    /// Axes of several kinds in one, or some of the parts of others, or sometimes one and sometimes another.
    Mixed,
}

/// Where an output's axis comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// From nowhere: what it means is known, or not.
    New(Option<Meaning>),
    /// It is the axis of one input.
    Of { input: usize, axis: usize },
    /// It is that axis of every input, counted from the last, which is 1.
    OfAll { from_end: usize },
    /// It mixes all of that axis, as a dense layer mixes features: of features it makes features, of places nothing.
    Mixing { input: usize, axis: usize },
    /// A reshape made it of so many axes of an input, of which `axis` is the first.
    Merged { input: usize, axis: usize, axes: usize },
    /// A reshape made it and others of so many axes of an input, of which `axis` is the first.
    Split { input: usize, axis: usize, axes: usize },
}

/// One axis of a tensor.
#[derive(Clone, Copy, Debug)]
pub(super) struct Axis {
    /// `None` where it is unknown, or differs from run to run.
    pub size: Option<usize>,
    pub origin: Origin,
}

/// A tensor, the batch axis first.
pub(super) type Axes = Vec<Axis>;

impl Axis {
    /// An axis of which nothing but the size is known.
    pub fn new(size: Option<usize>) -> Self {
        Axis { size, origin: Origin::New(None) }
    }

    pub fn meaning(size: Option<usize>, meaning: Meaning) -> Self {
        Axis { size, origin: Origin::New(Some(meaning)) }
    }

    pub fn channels(size: Option<usize>) -> Self {
        Axis::meaning(size, Meaning::Channels)
    }

    /// The same axis with another size.
    pub fn resized(self, size: Option<usize>) -> Self {
        Axis { size, ..self }
    }
}

/// The axes of one of a call's inputs.
pub(super) fn input(input: usize, dims: &Dims) -> Axes {
    dims.iter().enumerate().map(|(axis, &size)| Axis { size, origin: Origin::Of { input, axis } }).collect()
}

pub(super) fn sizes(axes: &[Axis]) -> Dims {
    axes.iter().map(|axis| axis.size).collect()
}

/// Axes that every input has, aligned at the last.
pub(super) fn of_all(mut axes: Axes) -> Axes {
    let rank = axes.len();
    axes.iter_mut().enumerate().for_each(|(axis, of)| of.origin = Origin::OfAll { from_end: rank - axis });
    axes
}

/// What the axes of an image or volume mean, of `rank` axes with the batch.
pub(super) fn layout(rank: usize, channels_first: bool) -> Vec<Meaning> {
    let places = (0..rank.saturating_sub(2)).rev().map(|place| Meaning::Place(u8::try_from(place).ok()));
    let mut layout = vec![Meaning::Batch];
    layout.extend(places);
    layout.insert(if channels_first { 1 } else { layout.len() }, Meaning::Channels);
    layout
}

/// Says of the axes of an image what they mean; the batch axis keeps what it is.
pub(super) fn laid_out(mut axes: Axes, channels_first: bool) -> Axes {
    let layout = layout(axes.len(), channels_first);
    axes.iter_mut().zip(layout).skip(1).for_each(|(axis, meaning)| axis.origin = Origin::New(Some(meaning)));
    axes
}

/// The axis with the channels, if the others behind the batch stand in their order. `dims` are the sizes.
///
/// Where two axes may have changed places, there is none. That does not matter for axes of one size, nor for one of size 1.
pub(super) fn channels(dims: &[Option<usize>], meanings: &[Option<Meaning>]) -> Option<usize> {
    if meanings.first() != Some(&Some(Meaning::Batch)) || dims.len() != meanings.len() {
        return None;
    }
    if meanings.len() == 2 {
        return Some(1);
    }
    let with = |found: fn(&Option<Meaning>) -> bool| -> Vec<usize> {
        (1..meanings.len()).filter(|&axis| found(&meanings[axis])).collect()
    };
    let told = with(|meaning| *meaning == Some(Meaning::Channels));
    let open = with(|meaning| matches!(meaning, None | Some(Meaning::Place(None))));
    let mixed = with(|meaning| *meaning == Some(Meaning::Mixed));
    let (channels, open) = match (told.as_slice(), open.as_slice(), mixed.as_slice()) {
        (&[axis], open, []) => (axis, open),
        // What is neither batch nor place is what stands at each place.
        ([], &[axis], []) if meanings[axis].is_none() => (axis, &[][..]),
        // Features may be of anything, as those of a dense layer are.
        ([], [], &[axis]) if meanings.len() == 3 => (axis, &[][..]),
        _ => return None,
    };
    let places: Vec<usize> = (1..meanings.len()).filter(|&axis| axis != channels).collect();
    let stands_right = |(index, &axis): (usize, &usize)| match meanings[axis] {
        Some(Meaning::Place(Some(place))) => index + usize::from(place) + 1 == places.len(),
        Some(Meaning::Places) => dims[axis] == Some(1),
        _ => true,
    };
    // The only one stands nowhere wrong.
    if places.len() > 1 && !places.iter().enumerate().all(stands_right) {
        return None;
    }
    let mut wide = open.iter().map(|&axis| dims[axis]).filter(|&size| size != Some(1));
    let first = wide.next();
    first.is_none_or(|first| wide.all(|size| size == first)).then_some(channels)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACES: [Option<Meaning>; 3] =
        [Some(Meaning::Place(Some(2))), Some(Meaning::Place(Some(1))), Some(Meaning::Place(Some(0)))];
    const ANY: Option<Meaning> = Some(Meaning::Place(None));
    const CHANNELS: Option<Meaning> = Some(Meaning::Channels);
    const MIXED: Option<Meaning> = Some(Meaning::Mixed);

    #[test]
    fn channels_are_known_where_all_other_axes_stand_in_their_order() {
        let [_, height, width] = PLACES;
        for (sizes, meanings, expected) in [
            (&[8, 6, 3][..], &[height, width, CHANNELS][..], Some(3)),
            (&[3, 8, 6], &[CHANNELS, height, width], Some(1)),
            (&[6, 8, 3], &[width, height, CHANNELS], None),
            (&[8, 6, 3], &[ANY, ANY, CHANNELS], None),
            (&[8, 8, 3], &[ANY, ANY, CHANNELS], Some(3)),
            (&[1, 6, 3], &[None, width, CHANNELS], Some(3)),
            (&[6, 1, 3], &[width, None, CHANNELS], None),
            (&[8, 6, 2], &[height, width, None], Some(3)),
            (&[8, 6, 2], &[height, width, MIXED], None),
            (&[8, 6, 3], &[height, CHANNELS, CHANNELS], None),
            (&[48, 3], &[Some(Meaning::Places), CHANNELS], Some(2)),
            (&[48, 1, 3], &[Some(Meaning::Places), None, CHANNELS], None),
            (&[8, 18], &[height, MIXED], Some(2)),
            (&[144], &[MIXED], Some(1)),
            (&[5, 8, 6, 3], &[PLACES[0], height, width, CHANNELS], Some(4)),
        ] {
            let dims: Dims = [&[None], sizes.iter().copied().map(Some).collect::<Dims>().as_slice()].concat();
            let meanings = [&[Some(Meaning::Batch)], meanings].concat();
            assert_eq!(channels(&dims, &meanings), expected, "{sizes:?} {meanings:?}");
        }
        assert_eq!(channels(&[Some(4), None, Some(3)], &[ANY, Some(Meaning::Batch), CHANNELS]), None);
    }
}
