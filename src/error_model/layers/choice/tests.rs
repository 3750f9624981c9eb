use super::super::super::{Figures, Layers, Models};
use super::*;

fn layers() -> Layers {
    match Models::new("nvdla-8x8-int8".as_ref()).figures("conv").unwrap() {
        Figures::Layers(layers) => layers,
        Figures::Operator(_) => panic!("measured layer by layer"),
    }
}

fn shape(side: usize, c: usize) -> Shape {
    Shape::new(side, side, c).unwrap()
}

fn convolution(side: usize, c: usize, kernel: usize) -> Convolution {
    let input = Some(shape(side, c));
    Convolution { input, kernel: [kernel; 2], strides: [1, 1], dilation: [1, 1], is_full: true }
}

fn known<'a>(output: Shape, convolution: Option<&'a Convolution>, named: Option<&'a str>) -> Wanted<'a> {
    Wanted { output: Some(output), convolution, named }
}

fn names(choice: &Choice) -> Vec<&str> {
    choice.layers.iter().map(|(_, layer)| layer.name.as_str()).collect()
}

#[test]
fn a_layer_of_the_same_sizes_is_drawn_from_alone() {
    let layers = layers();
    for (input, output, kernel, expected) in [
        ((16, 64), (16, 128), 3, vec!["vgg11_cifar10_features.3"]),
        ((32, 3), (26, 64), 11, vec!["alexnet_cifar10_conv1"]),
        ((12, 64), (12, 192), 5, vec!["alexnet_cifar10_conv2"]),
        ((2, 64), (2, 384), 1, vec!["mobilenetv2_gtsrb_features.8.conv.0.0"]),
        // Two are of one size, and a site may be of either.
        ((4, 512), (4, 512), 3, vec!["merge4", "merge5"]),
    ] {
        let wanted = convolution(input.0, input.1, kernel);
        let choice = layers.choose(&known(shape(output.0, output.1), Some(&wanted), None)).unwrap();
        assert_eq!((names(&choice), choice.rule), (expected, Rule::Exact));
    }
    let dilated = Convolution { dilation: [2, 2], ..convolution(16, 256, 3) };
    let choice = layers.choose(&known(shape(16, 256), Some(&dilated), None)).unwrap();
    assert_eq!(names(&choice), ["deeplabv3_oxfordpet_backbone.layer3.1.conv2"]);
}

#[test]
fn a_layer_that_differs_in_anything_is_not_the_same() {
    let (layers, good) = (layers(), convolution(16, 64, 3));
    for (what, output, wanted) in [
        ("channels in", shape(16, 128), convolution(16, 63, 3)),
        ("channels out", shape(16, 127), good),
        ("height", Shape::new(15, 16, 128).unwrap(), good),
        ("size as listed", shape(4, 128), convolution(4, 64, 3)),
        ("input", shape(16, 128), convolution(18, 64, 3)),
        ("no input", shape(16, 128), Convolution { input: None, ..good }),
        ("kernel", shape(16, 128), Convolution { kernel: [3, 5], ..good }),
        ("strides", shape(16, 128), Convolution { strides: [2, 2], ..good }),
        ("dilation", shape(16, 128), Convolution { dilation: [2, 2], ..good }),
        ("groups", shape(16, 128), Convolution { is_full: false, ..good }),
    ] {
        let choice = layers.choose(&known(output, Some(&wanted), None)).unwrap();
        assert_eq!(choice.rule, Rule::Alike(Some(Kernel::Larger)), "{what}");
        assert_eq!(choice.layers.iter().count(), 19, "{what}");
        assert!(choice.layers.iter().all(|(_, layer)| layer.kernel > 1), "{what}");
    }
}

#[test]
fn the_nearer_an_area_the_likelier_the_layer() {
    let layers = layers();
    let choice = layers.choose(&known(shape(8, 5), Some(&convolution(8, 7, 1)), None)).unwrap();
    let weight = |name: &str| choice.layers.iter().find(|(_, layer)| layer.name == name).map(|(weight, _)| weight);
    let same = weight("mobilenetv2_gtsrb_features.2.conv.2").unwrap();
    assert_eq!(weight("mobilenetv2_gtsrb_features.1.conv.1"), Some(same / 4.0));
    assert_eq!(weight("mobilenetv2_gtsrb_features.8.conv.0.0"), Some(same / 16.0));
    assert_eq!(weight("merge3"), None);
    assert_eq!(choice.key(), "alike point");
    // Without a config nothing is known of the kernel.
    let choice = layers.choose(&known(shape(8, 5), None, None)).unwrap();
    assert_eq!((choice.rule, choice.layers.iter().count()), (Rule::Alike(None), 39));
}

#[test]
fn a_name_fixes_the_layer() {
    let layers = layers();
    let wanted = convolution(16, 64, 3);
    let choice = layers.choose(&known(shape(16, 128), Some(&wanted), Some("merge0"))).unwrap();
    assert_eq!((names(&choice), choice.rule, choice.key()), (vec!["merge0"], Rule::Named, "merge0".to_owned()));
    let error = layers.choose(&known(shape(16, 128), None, Some("merge\n6"))).unwrap_err();
    assert_eq!(error.to_string(), "nvdla-8x8-int8/conv has no measured layer merge\\n6");
}

#[test]
fn a_corrupted_output_is_as_likely_as_the_layers_say() {
    let layers = layers();
    let mut all: Vec<f64> = layers.iter().map(|layer| layer.outcomes.sdc).collect();
    all.sort_by(f64::total_cmp);
    let any = layers.any();
    // Of 39 alike the 4th, the 20th and the 36th.
    assert_eq!([0.1, 0.5, 0.9].map(|quantile| any.sdc(quantile)), [all[3], all[19], all[35]]);
    assert_eq!([0.0, 1.0].map(|quantile| any.sdc(quantile)), [all[0], all[38]]);
    let one = layers.choose(&known(shape(1, 1), None, Some("merge0"))).unwrap();
    assert_eq!([0.1, 0.5, 0.9].map(|quantile| one.sdc(quantile)), [0.00833559; 3]);
}
