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
            let output = floats(file.goldenOutput(index))
            if let seed = file.goldenSeed(index) {
                golden.append(GoldenVector(seed: seed, output: output))
            } else {
                var input = [Float](repeating: 0, count: file.header.inputValueCount)
                var values = input.mutableSpan
                file.copyGoldenInput(index, into: &values)
                golden.append(GoldenVector(input: input, output: output))
            }
        }
        var points: DraftOperatingPoints?
        if !file.operatingPoints.isEmpty { points = DraftOperatingPoints(points: file.operatingPoints, measuredOn: file.operatingPointsMeasuredOn) }
        self.init(
            header: file.header, tensors: tensors, operations: file.operations, recipe: file.recipe, labels: file.labels, card: file.card.array,
            golden: golden, operatingPoints: points, featureStatistics: file.featureStatistics.map { DraftFeatureStatistics($0, floats(file.featureValues)) },
            qualityRules: file.qualityRules, scoreReference: file.scoreReference, readingRules: file.readingRules)
    }
}

extension DraftFeatureStatistics {
    /// The statistics of a file, with the numbers of `ModelFile.featureValues`.
    fileprivate init(_ statistics: FeatureStatistics, _ values: [Float]) {
        let precisions = statistics.count..<(statistics.count + statistics.rank)
        self.init(
            threshold: statistics.threshold, residualPrecision: statistics.residualPrecision, falseAlarmRate: statistics.falseAlarmRate,
            mean: Array(values[..<precisions.lowerBound]), precisions: Array(values[precisions]), basis: Array(values[precisions.upperBound...]))
    }
}

/// The binary32 values of a span.
private func floats(_ bytes: RawSpan) -> [Float] {
    (0..<(bytes.byteCount / 4)).map { bytes.floatLE(at: 4 * $0) }
}
