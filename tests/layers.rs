//! The rule that chooses measured layers for one that was not measured, against other rules, each on networks left out.
//!
//! A rule gives weights to the layers of the other networks. Their mean is the prediction: of the mix of spatial classes, by
//! its total variation from the true one (0 is the same, 1 is nothing in common), and of P(SDC), by whether the weighted
//! median is within a factor of 2. `cargo test --test layers -- --nocapture` prints the table.

use classes_h5::error_model::{Figures, Layer, Layers, Models, Wanted};
use classes_h5::layout::Shape;
use classes_h5::operator::Convolution;
use classes_h5::pattern::SpatialClass;

/// A layer of a set with its mix of spatial classes.
struct Known {
    layer: Layer,
    mix: Vec<f64>,
}

type Rule = fn(&Layers, &Layer, &Layer) -> f64;

/// By name: the weight that a rule gives to the second layer when the first is to be predicted.
const RULES: [(&str, Rule); 6] = [
    ("all alike", |_, _, _| 1.0),
    ("nearest, sizes as listed", |_, wanted, other| {
        sharp(distance(wanted, other, wanted.listed_side, other.listed_side))
    }),
    ("nearest", |_, wanted, other| sharp(distance(wanted, other, wanted.side, other.side))),
    ("same kind of kernel", |_, wanted, other| f64::from((wanted.kernel == 1) == (other.kernel == 1))),
    ("area", |layers, wanted, other| chosen(layers, wanted, None, other)),
    ("kind of kernel and area", |layers, wanted, other| {
        let kernel = [wanted.kernel as usize; 2];
        // Without its input the layer is like no other: it must not find itself.
        let convolution = Convolution { input: None, kernel, strides: [1, 1], dilation: [1, 1], is_full: true };
        chosen(layers, wanted, Some(convolution), other)
    }),
];

/// The rule that the tools use: what [`Layers::choose`] says.
fn chosen(layers: &Layers, wanted: &Layer, convolution: Option<Convolution>, other: &Layer) -> f64 {
    let side = wanted.side as usize;
    let shape = Shape::new(side, side, wanted.channels_out as usize).unwrap();
    let choice =
        layers.choose(&Wanted { output: Some(shape), convolution: convolution.as_ref(), named: None }).unwrap();
    choice.layers.iter().filter(|(_, layer)| layer.name == other.name).map(|(weight, _)| weight).sum()
}

/// Distance on a scale of doublings, of all that the source lists.
fn distance(a: &Layer, b: &Layer, side: u32, other_side: u32) -> f64 {
    let pairs = [
        (a.channels_in, b.channels_in),
        (a.channels_out, b.channels_out),
        (side, other_side),
        (a.kernel, b.kernel),
        (a.padding + 1, b.padding + 1),
    ];
    pairs.iter().map(|&(a, b)| (f64::from(a) / f64::from(b)).log2().powi(2)).sum::<f64>().sqrt()
}

/// A weight that leaves nothing to any but the nearest.
fn sharp(distance: f64) -> f64 {
    (-200.0 * distance).exp().max(1e-300)
}

fn network(layer: &Layer) -> &str {
    layer.name.split(['_', '0', '1', '2', '3', '4', '5']).next().unwrap_or_default()
}

fn known(layers: &Layers) -> Vec<Known> {
    let mix = |layer: &Layer| {
        let model = layers.model(&layer.name).unwrap().unwrap();
        let frequency = |class: SpatialClass| {
            model.classes().iter().filter(|(_, there)| there.class == class).map(|(weight, _)| weight).sum()
        };
        SpatialClass::ALL.map(frequency).to_vec()
    };
    layers.iter().map(|layer| Known { mix: mix(layer), layer: layer.clone() }).collect()
}

struct Score {
    /// The mean total variation of the predicted mix from the true one.
    variation: f64,
    /// What the variation exceeds for one layer of ten.
    worst: f64,
    /// How often P(SDC) is within a factor of 2.
    within: f64,
}

fn score(sets: &[(Layers, Vec<Known>)], rule: Rule, left_out: fn(&Layer, &Layer) -> bool) -> Score {
    let mut variations = Vec::new();
    let mut within = 0.0;
    for (layers, known) in sets {
        for wanted in known {
            let others = known.iter().filter(|other| !left_out(&wanted.layer, &other.layer));
            let mut weighted: Vec<(f64, &Known)> =
                others.map(|other| (rule(layers, &wanted.layer, &other.layer), other)).collect();
            let total: f64 = weighted.iter().map(|(weight, _)| weight).sum();
            let apart = |class: usize| {
                let predicted: f64 = weighted.iter().map(|(weight, other)| weight / total * other.mix[class]).sum();
                (predicted - wanted.mix[class]).abs()
            };
            variations.push((0..wanted.mix.len()).map(apart).sum::<f64>() / 2.0);
            weighted.sort_by(|a, b| a.1.layer.outcomes.sdc.total_cmp(&b.1.layer.outcomes.sdc));
            let mut reached = 0.0;
            let median = weighted.iter().find(|(weight, _)| {
                reached += weight;
                reached >= total / 2.0
            });
            let ratio = median.unwrap().1.layer.outcomes.sdc / wanted.layer.outcomes.sdc;
            within += f64::from((0.5..=2.0).contains(&ratio));
        }
    }
    variations.sort_by(f64::total_cmp);
    let count = variations.len() as f64;
    let variation = variations.iter().sum::<f64>() / count;
    Score { variation, worst: variations[variations.len() * 9 / 10], within: within / count }
}

#[test]
fn the_rule_in_use_predicts_networks_left_out_better_than_the_mean_of_all_layers() {
    let sets: Vec<(Layers, Vec<Known>)> = Models::built_in()
        .filter(|set| set.starts_with("nvdla"))
        .map(|set| match Models::new(set.as_ref()).figures("conv").unwrap() {
            Figures::Layers(layers) => (layers.clone(), known(&layers)),
            Figures::Operator(_) => panic!("{set} was measured layer by layer"),
        })
        .collect();
    assert_eq!(sets.len(), 9);
    let networks = ["alexnet", "deeplabv", "lenet", "merge", "mobilenetv", "res", "vgg"];
    assert!(sets.iter().flat_map(|(_, known)| known).all(|known| networks.contains(&network(&known.layer))));

    let mut table = String::new();
    for (name, rule) in RULES {
        let row = |left_out| {
            let Score { variation, worst, within } = score(&sets, rule, left_out);
            format!("{variation:.2}  {worst:.2}  {:2.0} %", 100.0 * within)
        };
        let (layer, network) = (row(|a, b| a.name == b.name), row(|a, b| network(a) == network(b)));
        table += &format!("{name:<24}  {layer}   {network}\n");
    }
    println!("{:<24}  one layer left out  one network left out\n{table}", "rule");
    assert_eq!(
        table,
        "\
all alike                 0.51  0.67  33 %   0.53  0.71  30 %
nearest, sizes as listed  0.35  0.90  51 %   0.57  0.98  25 %
nearest                   0.23  0.75  74 %   0.45  0.99  40 %
same kind of kernel       0.47  0.63  41 %   0.48  0.68  26 %
area                      0.39  0.57  47 %   0.47  0.68  36 %
kind of kernel and area   0.31  0.48  46 %   0.42  0.77  34 %
"
    );
    // In every set, not only on the whole.
    for set in sets.chunks(1) {
        let by_network: fn(&Layer, &Layer) -> bool = |wanted, other| network(wanted) == network(other);
        let (all, used) = (score(set, RULES[0].1, by_network), score(set, RULES[5].1, by_network));
        let (all, used) = (all.variation, used.variation);
        assert!(used < all - 0.05, "{}: {used} and {all}", set[0].0.id());
    }
}
