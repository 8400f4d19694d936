public import TernModel
public import TernWriter

/// What a checkpoint does not say: the description JSON that goes with it, see the README of this target.
public struct ModelDescription: Equatable, Sendable {
    public enum Head: String, Equatable, Sendable { case linear, none }

    public var name: String
    public var version: String
    public var heads: Int
    public var keyValueHeads: Int
    public var epsilon: Float
    public var pool: VisionTransformer.Pool
    public var levels: Int
    public var imageHeight: Int
    public var imageWidth: Int
    public var patch: Int
    public var channels: Int
    public var registers: Int?
    public var isDistilled: Bool?
    public var head: Head
    /// Layers that stay INT8 in a ternary model, by their timm names.
    public var int8Layers: [String]
    /// Layers that stay binary32 in an INT8 or ternary model.
    public var float32Layers: [String]
    public var recipe: InputRecipe
    public var labels: Labels
    /// Nil when no label has any.
    public var operatingPoints: DraftOperatingPoints?
    /// Nil for a model without the gate; else the checkpoint has the statistics.
    public var outOfDistribution: OutOfDistribution?
    /// Nil for a model that takes every image of its modality.
    public var qualityRules: QualityRules?
    /// Nil when the description has none.
    public var scoreReference: ScoreReference?
    /// Nil when the description has none.
    public var readingRules: ReadingRules?
    /// The model card as it goes into the file.
    public var card: JSONValue

    /// Reads a description; what its `architecture` leaves out is taken from `configuration`, the config.json of the checkpoint.
    ///
    /// - Throws: `ConvertError.missingKey` or `.badKey` naming the key and what to write.
    public init(parsing document: JSONValue, configuration: JSONValue? = nil) throws(ConvertError) {
        let root = KeyReader(document, path: "")
        name = try root.string("name", "\"name\": \"pneumonia28\", at most 63 ASCII characters")
        version = try root.string("version", "\"version\": \"1.0.0\"")
        guard isPrintable(name, limit: 63) else { throw .nameTooLong(name, limit: 63) }
        guard isPrintable(version, limit: 31) else { throw .nameTooLong(version, limit: 31) }

        let facts = ArchitectureFacts(document["architecture"], configuration)
        if let activation = facts.activation, !["gelu", "gelu_erf"].contains(activation) {
            throw .unsupported("the model uses the activation \"\(activation)\"; Tern has GELU in its exact (erf) form only")
        }
        heads = try facts.integer("heads", 1...1024, example: "6")
        keyValueHeads = try facts.integer("kvHeads", 1...1024, example: "1", default: heads)
        guard heads % keyValueHeads == 0 else { throw .badKey("architecture.kvHeads", expected: "a divisor of heads") }
        epsilon = Float(try facts.number("layerNormEpsilon", example: "1e-6 (timm) or 1e-12 (Hugging Face ViT)"))
        guard epsilon > 0, epsilon < 1 else { throw .badKey("architecture.layerNormEpsilon", expected: "a number such as 1e-6") }
        guard let pool = VisionTransformer.Pool(rawValue: try facts.string("pool", example: "\"class\" or \"mean\"")) else {
            throw .badKey("architecture.pool", expected: "\"class\" or \"mean\"")
        }
        self.pool = pool
        levels = try facts.integer("activationLevels", 1...127, example: "127", default: 127)
        guard [127, 63, 42].contains(levels) else { throw .badKey("architecture.activationLevels", expected: "127, 63 or 42") }
        (imageHeight, imageWidth) = try facts.imageSize()
        patch = try facts.integer("patch", 1...256, example: "16")
        guard imageHeight % patch == 0, imageWidth % patch == 0 else {
            throw .badKey("architecture.image", expected: "a multiple of the patch (\(patch)), not \(imageHeight) x \(imageWidth)")
        }
        channels = try facts.integer("channels", 1...3, example: "3")
        registers = try facts.optionalInteger("registers", 0...64)
        isDistilled = document["architecture"]?["distilled"]?.boolean
        guard let head = Head(rawValue: document["architecture"]?["head"]?.string ?? "linear") else {
            throw .badKey("architecture.head", expected: "\"linear\" or \"none\"")
        }
        self.head = head
        int8Layers = document["architecture"]?["int8Layers"]?.array?.compactMap(\.string) ?? []
        float32Layers = document["architecture"]?["float32Layers"]?.array?.compactMap(\.string) ?? []
        recipe = try ModelDescription.recipe(root.child("input", "the input recipe"), channels, imageHeight, imageWidth)
        labels = try ModelDescription.labels(root, head: head)
        operatingPoints = try ModelDescription.operatingPoints(root)
        outOfDistribution = try ModelDescription.outOfDistribution(root)
        qualityRules = try ModelDescription.qualityRules(root, channels: channels)
        scoreReference = try ModelDescription.scoreReference(root, labels: labels)
        readingRules = try ModelDescription.readingRules(root, labels: labels)
        card = document["card"] ?? .object([])
    }
}

extension ModelDescription {
    private static func recipe(
        _ input: KeyReader, _ channels: Int, _ height: Int, _ width: Int
    ) throws(ConvertError) -> InputRecipe {
        for (key, expected) in [("width", width), ("height", height), ("channels", channels)] {
            let found = try input.integer(key, "\"\(key)\": \(expected)")
            guard found == expected else { throw .badKey(input.path(key), expected: "\(expected), the size the model was built for") }
        }
        let crops: [String: InputRecipe.Crop] = ["stretch": .stretch, "centerSquare": .centreSquare, "centreSquare": .centreSquare]
        let filters: [String: InputRecipe.Filter] = ["box": .box, "bilinear": .bilinear, "bicubic": .bicubic, "lanczos": .lanczos]
        guard let crop = crops[try input.string("crop", "\"crop\": \"stretch\" or \"centerSquare\"")] else {
            throw .badKey(input.path("crop"), expected: "\"stretch\" or \"centerSquare\"")
        }
        guard let filter = filters[try input.string("filter", "\"filter\": \"bicubic\", as in training")] else {
            throw .badKey(input.path("filter"), expected: "\"box\", \"bilinear\", \"bicubic\" or \"lanczos\"")
        }
        let mean = try input.numbers("mean", count: channels, "\"mean\": one number a channel, for values 0 ... 1, as in training")
        let deviation = try input.numbers("std", count: channels, "\"std\": one number a channel, for values 0 ... 1, as in training")
        guard deviation.allSatisfy({ $0 > 0 }) else { throw .badKey(input.path("std"), expected: "numbers above 0") }
        var intensity = InputRecipe.Intensity.fileWindow
        if input.has("window") {
            let window = try input.child("window", "{\"centre\": 40, \"width\": 400}")
            let centre = try window.number(window.has("center") ? "center" : "centre", "\"centre\": 40")
            let breadth = try window.number("width", "\"width\": 400")
            guard breadth >= 1 else { throw .badKey(window.path("width"), expected: "a number of at least 1") }
            intensity = .window(centre: Float(centre), width: Float(breadth))
        }
        return InputRecipe(
            modality: try input.optionalString("modality") ?? "", channels: channels, height: height, width: width, crop: crop,
            filter: filter, intensity: intensity, scale: deviation.map { Float(1 / (255 * $0)) },
            offset: zip(mean, deviation).map { Float(-$0 / $1) })
    }

    private static func labels(_ root: KeyReader, head: Head) throws(ConvertError) -> Labels {
        if head == .none, !root.has("output") {
            return Labels(activation: .none, temperature: 1, isCalibrated: false, labels: [])
        }
        let output = try root.child("output", "how outputs become scores")
        let activations: [String: Labels.Activation] = ["none": .none, "softmax": .softmax, "sigmoid": .sigmoid]
        guard let activation = activations[try output.string("activation", "\"activation\": \"softmax\", \"sigmoid\" or \"none\"")] else {
            throw .badKey(output.path("activation"), expected: "\"softmax\", \"sigmoid\" or \"none\"")
        }
        let temperature = Float(try output.optionalNumber("temperature") ?? 1)
        guard temperature > 0, temperature.isFinite else { throw .badKey(output.path("temperature"), expected: "a number above 0") }
        let isCalibrated = output.boolean("calibrated") ?? false
        guard activation != .none || !isCalibrated else {
            throw .badKey(output.path("calibrated"), expected: "false: with the activation \"none\" outputs are no probabilities")
        }
        var labels: [Label] = []
        for reader in try root.children("labels") {
            let entry = try label(reader)
            guard activation != .none || entry.threshold == nil else {
                throw .badKey(reader.path("threshold"), expected: "none: with the activation \"none\" outputs are no scores from 0 to 1")
            }
            labels.append(entry)
        }
        return Labels(activation: activation, temperature: temperature, isCalibrated: isCalibrated, labels: labels)
    }

    private static func label(_ reader: KeyReader) throws(ConvertError) -> Label {
        var code: Code?
        if reader.has("code") {
            let entry = try reader.child("code", "{\"scheme\": \"SCT\", \"value\": \"233604007\", \"meaning\": \"Pneumonia\"}")
            code = Code(
                scheme: try entry.string("scheme", "\"scheme\": \"SCT\""), value: try entry.string("value", "\"value\": \"233604007\""),
                meaning: try entry.string("meaning", "\"meaning\": \"Pneumonia\""))
        }
        let point = try reader.optionalString("operatingPoint") ?? ""
        let threshold = try threshold(reader, at: point)
        if let threshold, !(0...1).contains(threshold) { throw .badKey(reader.path("threshold"), expected: "a score from 0 to 1") }
        let name = try reader.string("name", "\"name\": \"pneumonia\"")
        guard isPrintable(name, limit: 47) else { throw .nameTooLong(name, limit: 47) }
        return Label(
            name: name, outputIndex: try reader.integer("index", "\"index\": 0, the model output it reads"),
            isReported: reader.boolean("report") ?? true, code: code, threshold: threshold,
            operatingPoint: point)
    }

    /// The label's own threshold: that of the named point, or the number given, which a label without points has.
    private static func threshold(_ reader: KeyReader, at point: String) throws(ConvertError) -> Float? {
        let given = try reader.optionalNumber("threshold").map { Float($0) }
        let points = try operatingPoints(of: reader, 0)
        guard !points.isEmpty else { return given }
        let names = points.map { "\"\($0.name)\"" }.joined(separator: ", ")
        guard let found = points.first(where: { $0.name == point }) else {
            throw .badKey(reader.path("operatingPoint"), expected: "the name of the default among the label's points: \(names)")
        }
        guard given == nil || given == found.threshold else {
            throw .badKey(reader.path("threshold"), expected: "\(found.threshold), the threshold of \"\(point)\", or leave it out")
        }
        return found.threshold
    }
}

func isPrintable(_ text: String, limit: Int) -> Bool {
    !text.isEmpty && text.utf8.count <= limit && text.utf8.allSatisfy { (0x20...0x7E).contains($0) }
}
