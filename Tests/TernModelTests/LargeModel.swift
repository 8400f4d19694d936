import TernModel
import TernWriter

/// A file of about 25 MB with the shapes of a ViT-S of 14 blocks, 197 tokens and INT8 weights; the values mean nothing.
enum LargeModel {
    static let tokens = 197
    static let width = 384
    static let hidden = 1536

    static func bytes() throws -> [UInt8] {
        var builder = Builder()
        for block in 0..<14 { builder.appendBlock("blocks.\(block)") }
        return try ModelWriter.uncheckedBytes(of: builder.draft())
    }

    private struct Builder {
        var tensors: [DraftTensor] = []
        var operations: [NamedOperation] = []
        // Arena: image, x, y, wide.
        let image = Region(byteOffset: 0, stride: 224)
        let x = Region(byteOffset: 3 * 224 * 224 * 4, stride: width)
        let y = Region(byteOffset: 3 * 224 * 224 * 4 + tokens * width * 4, stride: width)
        let wide = Region(byteOffset: 3 * 224 * 224 * 4 + 2 * tokens * width * 4, stride: hidden)

        init() {
            let table = add(DraftTensor(name: "tokens", values: zeros(tokens * width), dimensions: [tokens, width]))
            operations.append(NamedOperation(name: "tokens", operation: .fill(.init(rows: tokens, columns: width, tensor: table, output: x))))
        }

        mutating func appendBlock(_ name: String) {
            appendNorm(name + ".norm1")
            let qkv = Region(byteOffset: wide.byteOffset, stride: 3 * width)
            let keys = Region(byteOffset: wide.byteOffset + 4 * width, stride: 3 * width)
            appendLinear(name + ".qkv", columns: 3 * width, depth: width, input: y, output: qkv, residual: .none)
            operations.append(
                NamedOperation(
                    name: name + ".attn",
                    operation: .attention(
                        .init(
                            tokens: tokens, queryCount: tokens, heads: 6, keyValueHeads: 6, width: 64, queries: qkv, keys: keys, output: y,
                            factor: 0.18033688))))
            appendLinear(name + ".proj", columns: width, depth: width, input: y, output: x, residual: .arena(x))
            appendNorm(name + ".norm2")
            appendLinear(name + ".fc1", columns: hidden, depth: width, input: y, output: wide, residual: .none, gelu: true)
            appendLinear(name + ".fc2", columns: width, depth: hidden, input: wide, output: x, residual: .arena(x))
        }

        mutating func appendNorm(_ name: String) {
            let gamma = add(DraftTensor(name: name + ".weight", values: zeros(width), dimensions: [width]))
            let beta = add(DraftTensor(name: name + ".bias", values: zeros(width), dimensions: [width]))
            operations.append(
                NamedOperation(
                    name: name,
                    operation: .layerNorm(
                        .init(rows: tokens, columns: width, input: x, output: y, gamma: gamma, beta: beta, epsilon: 1e-6))))
        }

        mutating func appendLinear(
            _ name: String, columns: Int, depth: Int, input: Region, output: Region, residual: Operation.Linear.Residual, gelu: Bool = false
        ) {
            let bytes = (0..<(columns * depth)).map { UInt8(truncatingIfNeeded: $0 &* 167 % 127) }
            let weights = add(
                DraftTensor(
                    name: name + ".weight", elementType: .s8, recipe: .absmaxPerChannel, dimensions: [columns, depth], bytes: bytes))
            let scale = add(DraftTensor(name: name + ".scale", values: [Float](repeating: 0.01, count: columns), dimensions: [columns]))
            let bias = add(DraftTensor(name: name + ".bias", values: zeros(columns), dimensions: [columns]))
            operations.append(
                NamedOperation(
                    name: name,
                    operation: .linear(
                        .init(
                            rows: tokens, columns: columns, depth: depth, levels: 127, input: input, output: output, weights: weights,
                            scale: scale, bias: bias, gelu: gelu, residual: residual))))
        }

        mutating func add(_ tensor: DraftTensor) -> Int {
            tensors.append(tensor)
            return tensors.count - 1
        }

        func draft() -> ModelDraft {
            ModelDraft(
                header: ModelHeader(
                    name: "large", version: "", arenaByteCount: (wide.byteOffset + tokens * hidden * 4 + 63) / 64 * 64, inputByteOffset: 0,
                    outputByteOffset: x.byteOffset, outputCount: width, channels: 3, height: 224, width: 224),
                tensors: tensors,
                operations: operations,
                recipe: InputRecipe(
                    modality: "", channels: 3, height: 224, width: 224, crop: .stretch, filter: .bicubic, intensity: .fileWindow,
                    scale: [1, 1, 1], offset: [0, 0, 0]),
                labels: Labels(activation: .none, temperature: 1, isCalibrated: false, labels: []),
                card: Array("{}".utf8),
                golden: [GoldenVector(input: zeros(3 * 224 * 224), output: zeros(width))])
        }

        func zeros(_ count: Int) -> [Float] { [Float](repeating: 0, count: count) }
    }
}
