/// Facts about an architecture from the description's `architecture`, and behind it from a config.json (Hugging Face or timm).
struct ArchitectureFacts {
    private let description: JSONValue
    private let configuration: JSONValue
    private let modelArguments: JSONValue

    init(_ description: JSONValue?, _ configuration: JSONValue?) {
        self.description = description ?? .object([])
        self.configuration = configuration ?? .object([])
        modelArguments = configuration?["model_args"] ?? .object([])
    }

    private static let huggingFaceKeys = [
        "heads": "num_attention_heads", "kvHeads": "num_key_value_heads", "layerNormEpsilon": "layer_norm_eps", "patch": "patch_size",
        "channels": "num_channels", "registers": "num_register_tokens", "image": "image_size",
    ]
    private static let timmKeys = ["heads": "num_heads", "patch": "patch_size", "channels": "in_chans", "registers": "reg_tokens", "image": "img_size"]

    private func find(_ key: String) -> JSONValue? {
        if let value = description[key] { return value }
        if let other = ArchitectureFacts.huggingFaceKeys[key], let value = configuration[other] { return value }
        if let other = ArchitectureFacts.timmKeys[key], let value = modelArguments[other] { return value }
        return nil
    }

    /// The activation function's name where config.json names one.
    var activation: String? { configuration["hidden_act"]?.string }

    func optionalInteger(_ key: String, _ range: ClosedRange<Int>) throws(ConvertError) -> Int? {
        guard let value = find(key) else { return nil }
        guard let integer = value.integer, range.contains(integer) else {
            throw .badKey("architecture.\(key)", expected: "a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return integer
    }

    func integer(_ key: String, _ range: ClosedRange<Int>, example: String, default fallback: Int? = nil) throws(ConvertError) -> Int {
        if let found = try optionalInteger(key, range) ?? fallback { return found }
        throw .missingKey("architecture.\(key)", expected: "\"\(key)\": \(example)")
    }

    func number(_ key: String, example: String) throws(ConvertError) -> Double {
        guard let value = find(key) else { throw .missingKey("architecture.\(key)", expected: "\"\(key)\": \(example)") }
        guard let number = value.double else { throw .badKey("architecture.\(key)", expected: example) }
        return number
    }

    func string(_ key: String, example: String) throws(ConvertError) -> String {
        if let value = find(key) {
            guard let text = value.string else { throw .badKey("architecture.\(key)", expected: example) }
            return text
        }
        if key == "pool" {
            if configuration["model_type"]?.string != nil { return "class" }
            switch configuration["global_pool"]?.string {
            case "token": return "class"
            case "avg": return "mean"
            default: break
            }
        }
        throw .missingKey("architecture.\(key)", expected: "\"\(key)\": \(example)")
    }

    /// Height and width: one number, or two as [height, width].
    func imageSize() throws(ConvertError) -> (Int, Int) {
        let expected = "\"image\": 224, or [height, width]"
        guard let value = find("image") else { throw .missingKey("architecture.image", expected: expected) }
        let sides = value.array?.compactMap(\.integer) ?? value.integer.map { [$0, $0] } ?? []
        guard sides.count == 2, sides.allSatisfy({ (1...4096).contains($0) }) else {
            throw .badKey("architecture.image", expected: expected)
        }
        return (sides[0], sides[1])
    }
}
