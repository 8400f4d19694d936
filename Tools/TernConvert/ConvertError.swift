public import TernEngine
public import TernWriter

/// Why a checkpoint could not become a model. `description` says what to do about it.
public enum ConvertError: Error, Equatable, Sendable {
    case checkpoint(SafetensorsError)
    case json(file: String, JSONError)
    /// A required key of the model description or of config.json is absent or has a wrong value.
    case missingKey(String, expected: String)
    case badKey(String, expected: String)
    case missingTensor(String)
    case duplicateTensor(name: String, first: String, second: String)
    case unknownTensors([String])
    case shape(tensor: String, expected: String, found: [Int])
    case unsupported(String)
    /// Ternary weights were asked for and row `row` of `layer` holds more than -g, 0 and +g.
    case notTernary(layer: String, row: Int, distinctMagnitudes: Int)
    case nameTooLong(String, limit: Int)
    /// Positions were to be stored in binary16, which has no such value.
    case positionRange(Float)
    case writer(WriterError)
    case engine(EngineError)
}

extension ConvertError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .checkpoint(let error): "the checkpoint is not a safetensors file that can be used: \(error)"
        case .json(let file, let error): "\(file) is not valid JSON: \(error)"
        case .missingKey(let key, let expected): "the model description has no \"\(key)\"; write \(expected)"
        case .badKey(let key, let expected): "\"\(key)\" in the model description has a wrong value; write \(expected)"
        case .missingTensor(let name): "the checkpoint has no tensor \(name) in any known spelling (timm or Hugging Face)"
        case .duplicateTensor(let name, let first, let second): "\(first) and \(second) both mean \(name); remove one of them"
        case .unknownTensors(let names):
            "the checkpoint has tensors that a plain vision transformer does not use: \(names.prefix(6).joined(separator: ", "))"
                + (names.count > 6 ? " and \(names.count - 6) more" : "") + "; export the classifier without them"
        case .shape(let tensor, let expected, let found): "\(tensor) has shape \(found), expected \(expected)"
        case .unsupported(let what): what
        case .notTernary(let layer, let row, let count):
            "\(layer) is not ternary: row \(row) holds \(count) different magnitudes besides zero. Ternary weights cannot be made from a "
                + "float checkpoint without losing most of its accuracy; they must be trained. Train with quantisation-aware training "
                + "(Tools/train), export weights where every output row holds only -g, 0 and +g, or use --weights int8"
        case .writer(let error): "the model file cannot be written: \(error)"
        case .engine(let error): "the engine cannot run the new model: \(error)"
        case .positionRange(let value): "a position is \(value), which binary16 cannot hold (65504 at most); use --positions f32"
        case .nameTooLong(let name, let limit): "the name \"\(name)\" is longer than \(limit) ASCII bytes; shorten it"
        }
    }
}
