import TernModel
import TernWriter

/// A small complete model that uses every operation and every element type.
enum SampleModel {
    static let card = Array("{\"name\":\"sample\"}".utf8)

    static func draft() throws -> ModelDraft {
        ModelDraft(
            header: ModelHeader(
                name: "sample", version: "1.0.0", arenaByteCount: 1344, inputByteOffset: 0, outputByteOffset: 1280, outputCount: 2, channels: 1,
                height: 4, width: 4),
            tensors: try tensors(),
            operations: operations,
            recipe: InputRecipe(
                modality: "DX", channels: 1, height: 4, width: 4, crop: .centreSquare, filter: .bilinear,
                intensity: .window(centre: 40, width: 400), scale: [0.0078125], offset: [-1]),
            labels: labels,
            card: card,
            golden: [GoldenVector(input: (0..<16).map { Float($0) / 16 }, output: [0.25, -0.5])])
    }

    /// The sample with its class token in binary16.
    static func halfDraft() throws -> ModelDraft {
        var draft = try draft()
        draft.tensors[0] = DraftTensor(name: "cls", halves: ramp(8).map { Float16($0) }, dimensions: [1, 8])
        return draft
    }

    /// The sample with operating points of its label and statistics of its pooled feature.
    static func measuredDraft() throws -> ModelDraft {
        var draft = try draft()
        func point(_ name: String, _ threshold: Float, _ sensitivity: Float, _ specificity: Float) -> OperatingPoint {
            func share(_ value: Float) -> MeasuredShare { MeasuredShare(value: value, low: value - 0.0625, high: value + 0.0625) }
            return OperatingPoint(
                labelIndex: 1, name: name, threshold: threshold, sensitivity: share(sensitivity), specificity: share(specificity), positives: 390,
                negatives: 234)
        }
        draft.operatingPoints = DraftOperatingPoints(
            points: [point("sensitive", 0.25, 0.875, 0.5), point("youden", 0.5, 0.75, 0.75), point("specific", 0.75, 0.5, 0.875)],
            measuredOn: "validation")
        draft.featureStatistics = DraftFeatureStatistics(
            threshold: 1.75, residualPrecision: 12, falseAlarmRate: 0.01, mean: ramp(8), precisions: [0.5, 2],
            basis: [0.6, 0, 0, 0.8, 0, 0, 0, 0] + [0, 0, 0, 0, 0, 0, -1, 0])
        return draft
    }

    /// The sample with operating points, statistics and a quality gate.
    static func gatedDraft() throws -> ModelDraft {
        var draft = try measuredDraft()
        let rules = [
            QualityRule(criterion: .viewPosition, threshold: 0, text: "AP,PA", cases: 0, refused: 0),
            QualityRule(criterion: .shortSide, threshold: 64, cases: 624, refused: 0),
            QualityRule(criterion: .mostColour, threshold: 0.125, cases: 624, refused: 1),
            QualityRule(criterion: .contrast, threshold: 9.5, cases: 624, refused: 2),
        ]
        draft.qualityRules = QualityRules(rules: rules, measuredOn: "test", cases: 624, refused: 3)
        return draft
    }

    /// The same with the distribution of its label's scores.
    static func scoredDraft() throws -> ModelDraft {
        var draft = try gatedDraft()
        let one = ScoreDistribution(labelIndex: 1, edges: [0.25, 0.75, 1], counts: [300, 100, 200, 24])
        draft.scoreReference = ScoreReference(labels: [one], measuredOn: "test", cases: 624)
        return draft
    }

    /// The same with reading rules, confirmed for what it decides by.
    static func readingDraft() throws -> ModelDraft { try reading.get() }

    private static let reading = Result { try confirmedDraft() }

    private static func confirmedDraft() throws -> ModelDraft {
        var draft = try scoredDraft()
        let counts = [(40, 39), (90, 88), (20, 15), (30, 24), (8, 4), (9, 5)].map { TierRules.Count(cases: $0, right: $1) }
        let tiers = TierRules(negativeHigh: 0.0625, negativeMedium: 0.25, positiveMedium: 0.625, positiveHigh: 2, counts: counts)
        draft.readingRules = ReadingRules(
            chosenOn: "validation", measuredOn: "test", region: "chest", regionCode: Code(scheme: "SCT", value: "816094009", meaning: "Chest"),
            conformalLevel: 0.875,
            labels: [
                LabelRules(structure: "", chineseName: "正常", conformal: ConformalRule(least: 0, cases: 234, covered: 210)),
                LabelRules(structure: "lungs", chineseName: "肺炎", tiers: tiers, conformal: ConformalRule(least: 0.125, cases: 390, covered: 350)),
            ])
        let file = try ModelWriter.check(try ModelWriter.bytes(of: draft))
        draft.readingRules?.confirmation = file.confirmation
        return draft
    }

    static func bytes() throws -> [UInt8] { try ModelWriter.uncheckedBytes(of: draft()) }

    private static func tensors() throws -> [DraftTensor] {
        [
            DraftTensor(name: "cls", values: ramp(8), dimensions: [1, 8]),
            try DraftTensor(name: "embed.weight", codes: codes(8 * 4, 127), rows: 8, columns: 4, as: .s8, recipe: .absmaxPerChannel),
            DraftTensor(name: "embed.scale", values: [Float](repeating: 0.01, count: 8), dimensions: [8]),
            DraftTensor(name: "embed.bias", values: ramp(8), dimensions: [8]),
            DraftTensor(name: "position", values: ramp(32), dimensions: [4, 8]),
            DraftTensor(name: "norm.weight", values: [Float](repeating: 1, count: 8), dimensions: [8]),
            DraftTensor(name: "norm.bias", values: ramp(8), dimensions: [8]),
            try DraftTensor(name: "qkv.weight", codes: codes(24 * 8, 1), rows: 24, columns: 8, as: .t2, recipe: .absmean),
            DraftTensor(name: "qkv.scale", values: [0.5], dimensions: [1]),
            try DraftTensor(name: "proj.weight", codes: codes(8 * 8, 1), rows: 8, columns: 8, as: .t5, recipe: .ternaryAsTrained),
            DraftTensor(name: "proj.scale", values: [0.25], dimensions: [1]),
            DraftTensor(name: "head.weight", values: ramp(16), dimensions: [2, 8]),
        ]
    }

    private static var operations: [NamedOperation] {
        func region(_ byteOffset: Int, _ stride: Int) -> Region { Region(byteOffset: byteOffset, stride: stride) }
        let x = region(128, 8)
        return [
            NamedOperation(
                name: "patches",
                operation: .patches(.init(image: region(0, 4), channels: 1, height: 4, width: 4, patch: 2, output: region(64, 4)))),
            NamedOperation(name: "cls", operation: .fill(.init(rows: 1, columns: 8, tensor: 0, output: x))),
            NamedOperation(
                name: "embed",
                operation: .linear(
                    .init(
                        rows: 4, columns: 8, depth: 4, levels: 127, input: region(64, 4), output: region(160, 8), weights: 1, scale: 2, bias: 3,
                        gelu: false, residual: .tensor(4)))),
            NamedOperation(
                name: "norm",
                operation: .layerNorm(.init(rows: 5, columns: 8, input: x, output: region(320, 8), gamma: 5, beta: 6, epsilon: 1e-6))),
            NamedOperation(
                name: "qkv",
                operation: .linear(
                    .init(
                        rows: 5, columns: 24, depth: 8, levels: 63, input: region(320, 8), output: region(512, 24), weights: 7, scale: 8,
                        bias: nil, gelu: true, residual: .none))),
            NamedOperation(
                name: "attention",
                operation: .attention(
                    .init(
                        tokens: 5, queryCount: 5, heads: 2, keyValueHeads: 2, width: 4, queries: region(512, 24), keys: region(544, 24),
                        output: region(1024, 8), factor: 0.7213475))),
            NamedOperation(
                name: "proj",
                operation: .linear(
                    .init(
                        rows: 5, columns: 8, depth: 8, levels: 42, input: region(1024, 8), output: x, weights: 9, scale: 10, bias: nil,
                        gelu: false, residual: .arena(x)))),
            NamedOperation(name: "pool", operation: .meanPool(.init(rows: 5, columns: 8, input: x, output: region(1216, 8)))),
            NamedOperation(
                name: "head",
                operation: .linear(
                    .init(
                        rows: 1, columns: 2, depth: 8, levels: 0, input: region(1216, 8), output: region(1280, 2), weights: 11, scale: nil,
                        bias: nil, gelu: false, residual: .none))),
        ]
    }

    private static var labels: Labels {
        Labels(
            activation: .softmax, temperature: 1.5, isCalibrated: true,
            labels: [
                Label(name: "normal", outputIndex: 0, isReported: false, code: nil, threshold: nil, operatingPoint: ""),
                Label(
                    name: "pneumonia", outputIndex: 1, isReported: true,
                    code: Code(scheme: "SCT", value: "233604007", meaning: "Pneumonia"), threshold: 0.5, operatingPoint: "youden"),
            ])
    }

    private static func ramp(_ count: Int) -> [Float] { (0..<count).map { Float($0) / 8 - 0.5 } }

    private static func codes(_ count: Int, _ limit: Int) -> [Int8] {
        (0..<count).map { Int8(($0 * 37 + 11) % (2 * limit + 1) - limit) }
    }
}
