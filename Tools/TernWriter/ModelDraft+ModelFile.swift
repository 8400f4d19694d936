import TernBytes
public import TernModel

extension ModelDraft {
    /// Everything a loaded file says, for tools that change a part and write the file anew. Signature and unknown sections are left behind.
    public init(_ file: ModelFile) {
        var tensors: [DraftTensor] = []
        for (index, tensor) in file.tensors.enumerated() {
            tensors.append(
                DraftTensor(
                    name: tensor.name, elementType: tensor.elementType, recipe: tensor.recipe, dimensions: tensor.dimensions,
                    bytes: file.bytes(ofTensor: index).array))
        }
        var golden: [GoldenVector] = []
        for index in 0..<file.goldenCount {
            golden.append(GoldenVector(input: floats(file.goldenInput(index)), output: floats(file.goldenOutput(index))))
        }
        self.init(
            header: file.header, tensors: tensors, operations: file.operations, recipe: file.recipe, labels: file.labels, card: file.card.array,
            golden: golden)
    }
}

/// The binary32 values of a span.
private func floats(_ bytes: RawSpan) -> [Float] {
    (0..<(bytes.byteCount / 4)).map { bytes.floatLE(at: 4 * $0) }
}
