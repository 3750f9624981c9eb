//! Layers that mix channels or steps: convolutions, dense, recurrent and attention layers, and what wraps them.

use super::{Attention, Class, Convolution, Features, Holds, Rule, Wrapper};
use crate::keras::variables::{Variable, When, kept, trained};
use crate::operator::Operator::ConvGemm;

const KERNEL: Variable = trained(&["kernel"]);
const BIAS: Variable = trained(&["bias"]).when(&[When::Unless("use_bias")]);
const KERNEL_AND_BIAS: &[Variable] = &[KERNEL, BIAS];
const DEPTHWISE: &[Variable] = &[trained(&["depthwise_kernel", "kernel"]), BIAS];
const SEPARABLE: &[Variable] = &[trained(&["depthwise_kernel"]), trained(&["pointwise_kernel"]), BIAS];
const EINSUM: &[Variable] = &[KERNEL, trained(&["bias"]).when(&[When::Given("bias_axes")])];
const CELL: &[Variable] = &[KERNEL, trained(&["recurrent_kernel"]), BIAS];
const EMBEDDINGS: Variable = trained(&["embeddings"]);

const fn convolution(name: &'static str, kind: Convolution, rank: usize, variables: &'static [Variable]) -> Class {
    Class::new(name, Rule::Convolution(kind, rank)).fuses().variables(variables)
}

const fn plain(name: &'static str, rank: usize) -> Class {
    convolution(name, Convolution::Plain, rank, KERNEL_AND_BIAS)
}

const fn transposed(name: &'static str, rank: usize) -> Class {
    convolution(name, Convolution::Transposed, rank, KERNEL_AND_BIAS)
}

const fn features(name: &'static str, features: Features) -> Class {
    Class::new(name, Rule::Features(features))
}

const fn recurrent(name: &'static str, states: usize) -> Class {
    Class::new(name, Rule::Recurrent(states)).variables(CELL)
}

const fn cell(name: &'static str) -> Class {
    Class::new(name, Rule::Unknown).variables(CELL)
}

const fn convolving(name: &'static str, rank: usize) -> Class {
    Class::new(name, Rule::ConvolvingRecurrent(rank)).variables(CELL)
}

const fn headed(name: &'static str) -> Class {
    Class::new(name, Rule::Attention(Attention::Headed)).holds(Holds::Parts)
}

pub(super) const ROWS: &[Class] = &[
    plain("Conv1D", 1).also(&["Convolution1D", "AtrousConvolution1D"]),
    plain("Conv2D", 2).also(&["Convolution2D", "AtrousConvolution2D"]).operator(ConvGemm),
    plain("Conv3D", 3).also(&["Convolution3D"]),
    transposed("Conv1DTranspose", 1).also(&["Convolution1DTranspose"]),
    transposed("Conv2DTranspose", 2).also(&["Convolution2DTranspose", "Deconvolution2D"]).operator(ConvGemm),
    transposed("Conv3DTranspose", 3).also(&["Convolution3DTranspose", "Deconvolution3D"]),
    convolution("DepthwiseConv1D", Convolution::Depthwise, 1, DEPTHWISE),
    convolution("DepthwiseConv2D", Convolution::Depthwise, 2, DEPTHWISE).operator(ConvGemm),
    convolution("SeparableConv1D", Convolution::Plain, 1, SEPARABLE).also(&["SeparableConvolution1D"]),
    convolution("SeparableConv2D", Convolution::Plain, 2, SEPARABLE)
        .also(&["SeparableConvolution2D"])
        .operator(ConvGemm),
    // Weights of its own at each place; its output has the shape of a convolution's.
    convolution("LocallyConnected1D", Convolution::Plain, 1, KERNEL_AND_BIAS),
    convolution("LocallyConnected2D", Convolution::Plain, 2, KERNEL_AND_BIAS),
    features("Dense", Features::Dense).fuses().variables(KERNEL_AND_BIAS),
    features("EinsumDense", Features::Einsum).fuses().variables(EINSUM),
    // The kernel is drawn once; how far it is spread can train.
    features("RandomFourierFeatures", Features::Dense).variables(&[
        trained(&["kernel_scale"]),
        kept(&["unscaled_kernel"]),
        kept(&["bias"]),
    ]),
    features("Embedding", Features::Embedding).variables(&[EMBEDDINGS]),
    // Called the other way round it gives one number a token of its vocabulary: no one shape.
    Class::new("ReversibleEmbedding", Rule::Unknown)
        .variables(&[EMBEDDINGS, trained(&["reverse_embeddings"]).when(&[When::IsFalse("tie_weights")])]),
    recurrent("SimpleRNN", 1),
    recurrent("GRU", 1).also(&["CuDNNGRU", "GRUV1"]),
    recurrent("LSTM", 2).also(&["CuDNNLSTM", "LSTMV1"]),
    convolving("ConvLSTM1D", 1),
    convolving("ConvLSTM2D", 2),
    convolving("ConvLSTM3D", 3),
    Class::new("RNN", Rule::Cells).holds(Holds::Layers(&["cell"])),
    Class::new("StackedRNNCells", Rule::Unknown).holds(Holds::Layers(&["cells"])),
    cell("SimpleRNNCell"),
    cell("GRUCell"),
    cell("LSTMCell"),
    // A base of others.
    Class::new("AbstractRNNCell", Rule::Unknown),
    headed("MultiHeadAttention"),
    headed("GroupedQueryAttention").also(&["GroupQueryAttention"]),
    Class::new("Attention", Rule::Attention(Attention::Listed)).variables(&[
        trained(&["scale"]).when(&[When::If("use_scale")]),
        trained(&["concat_score_weight"]).when(&[When::Is("score_mode", "concat")]),
    ]),
    Class::new("AdditiveAttention", Rule::Attention(Attention::Listed))
        .variables(&[trained(&["scale"]).when(&[When::Unless("use_scale")])]),
    Class::new("TimeDistributed", Rule::Wrapper(Wrapper::EachStep)).holds(Holds::Layers(&["layer"])),
    Class::new("Bidirectional", Rule::Wrapper(Wrapper::BothWays)).holds(Holds::Layers(&["layer", "backward_layer"])),
    // A base of others, which passes on what it takes.
    Class::new("Wrapper", Rule::Same).holds(Holds::Layers(&["layer"])),
    Class::new("SpectralNormalization", Rule::Wrapper(Wrapper::Once))
        .holds(Holds::Layers(&["layer"]))
        .variables(&[kept(&["vector_u", "sn_u"])]),
];
