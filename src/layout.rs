//! The shape of a layer's output, and the order of its axes in memory.

mod data_format;
mod shape;

pub use data_format::{DataFormat, DataFormatError};
pub use shape::{MOST_AXES, Place, Shape, ShapeError, axes_words};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shape_reads_its_axes_and_shows_them() {
        for (text, h_w_c, shown) in [
            ("27, 26,16", (27, 26, 16), "27x26x16"),
            ("128", (1, 1, 128), "128"),
            ("64,8", (1, 64, 8), "64x8"),
            ("8,16,15,4", (128, 15, 4), "8x16x15x4"),
        ] {
            let shape: Shape = text.parse().unwrap();
            assert_eq!(((shape.h, shape.w, shape.c), shape.to_string().as_str()), (h_w_c, shown));
            assert_eq!(shape.is_image(), text == "27, 26,16");
        }
    }

    #[test]
    fn what_is_no_shape_is_refused() {
        for text in ["", "27,", "27,-1,16", "27,a,16", "1.5,2,2", "(2,2,2)"] {
            assert_eq!(text.parse::<Shape>(), Err(ShapeError::Syntax(text.to_owned())));
        }
        assert_eq!("3,0,1".parse::<Shape>(), Err(ShapeError::Empty(vec![3, 0, 1])));
        assert_eq!("1,1,1,1,1,1,1,1".parse::<Shape>(), Err(ShapeError::Rank(8)));
        assert_eq!(Shape::of_axes(&[]), Err(ShapeError::Rank(0)));
        assert!(Shape::new(65536, 65536, 1).is_err());
        assert!(Shape::new(65535, 65537, 1).is_ok());
        assert!(Shape::new(usize::MAX, usize::MAX, 2).is_err());
    }

    #[test]
    fn axes_and_shape_are_inverse_in_both_formats() {
        let image = Shape::new(2, 3, 4).unwrap();
        assert_eq!(DataFormat::ChannelsLast.axes(image), [2, 3, 4]);
        assert_eq!(DataFormat::ChannelsFirst.axes(image), [4, 2, 3]);
        let volume = Shape::of_axes(&[2, 3, 5, 4]).unwrap();
        for format in DataFormat::ALL {
            assert_eq!(format.axes(volume), [2, 3, 5, 4]);
            for shape in [image, volume] {
                assert_eq!(format.shape(&format.axes(shape)), Ok(shape));
            }
            assert_eq!(format.name().parse(), Ok(format));
        }
        let first = volume.seen_as(DataFormat::ChannelsFirst);
        assert_eq!((volume.h, volume.w, volume.c, first.h, first.w, first.c), (6, 5, 4, 15, 4, 2));
        assert_eq!(volume, first);
    }

    #[test]
    fn a_cell_has_one_index_in_each_format_and_rank() {
        let shape = Shape::new(2, 3, 4).unwrap();
        assert_eq!(DataFormat::ChannelsLast.index(shape, [1, 0, 2]), 14);
        assert_eq!(DataFormat::ChannelsFirst.index(shape, [1, 0, 2]), 15);
        for axes in [&[24][..], &[6, 4], &[2, 3, 4], &[2, 3, 2, 4], &[2, 1, 3, 2, 4], &[2, 3, 2, 1, 2, 3, 2]] {
            for (format, channels) in DataFormat::ALL.into_iter().flat_map(|f| DataFormat::ALL.map(|c| (f, c))) {
                let shape = Shape::of_axes(axes).unwrap().seen_as(channels);
                for index in 0..shape.cells() {
                    let cell = format.cell(shape, index);
                    assert!(shape.contains(cell[0], cell[1], cell[2]));
                    assert_eq!(format.index(shape, cell), index);
                    let Place(place) = shape.place(cell);
                    assert_eq!(shape.cell(&place), Some(cell));
                    // Row by row, as NumPy counts.
                    let own = format.order(&place).into_iter().zip(format.axes(shape));
                    assert_eq!(own.fold(0, |index, (at, axis)| index * axis + at), index);
                }
            }
        }
    }

    #[test]
    fn a_place_outside_is_no_cell() {
        let shape = Shape::of_axes(&[6, 4]).unwrap();
        for place in [&[6, 0][..], &[0, 4], &[0], &[0, 0, 0], &[]] {
            assert_eq!(shape.cell(place), None);
        }
    }
}
