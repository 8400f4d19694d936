public import Foundation
public import TernConvert
import TernBytes
import TernPlatform

/// A tiny checkpoint of Tests/Vectors/TernConvert with what PyTorch computes with it.
public struct CheckpointCase {
    public static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Vectors/TernConvert")
    /// Every case whose weights are float.
    public static let floatNames = [
        "vit", "vit-hf4", "vit-hf5", "vit-bf16", "deit", "vit-mean", "dino", "vit-mqa", "vit-resized", "vit-reduced",
    ]

    public let checkpoint: Safetensors
    public let description: ModelDescription
    /// Prepared images and the outputs of timm for them.
    public let inputs: [[Float]]
    public let outputs: [[Float]]

    public init(_ name: String) throws {
        checkpoint = try CheckpointCase.safetensors(name + ".safetensors")
        description = try ModelDescription(parsing: try CheckpointCase.document(name))
        let expected = try CheckpointCase.safetensors(name + ".expected.safetensors")
        func rows(_ name: String) throws -> [[Float]] {
            guard let entry = expected.entry(named: name) else { throw ConvertError.missingTensor(name) }
            let values = try expected.values(of: entry)
            let count = values.count / entry.shape[0]
            return (0..<entry.shape[0]).map { Array(values[$0 * count..<($0 + 1) * count]) }
        }
        inputs = try rows("inputs")
        outputs = try rows("outputs")
    }

    public static func bytes(_ file: String) throws -> [UInt8] {
        Array(try Data(contentsOf: folder.appendingPathComponent(file)))
    }

    public static func document(_ name: String) throws -> JSONValue { try JSONValue(parsing: try bytes(name + ".json")) }

    private static func safetensors(_ file: String) throws -> Safetensors {
        try Safetensors(validating: try MappedFile(copying: try bytes(file)))
    }
}

/// The cosine of two vectors.
public func cosine(_ a: [Float], _ b: [Float]) -> Double {
    var (product, squaresA, squaresB) = (0.0, 0.0, 0.0)
    for (x, y) in zip(a, b) {
        product += Double(x) * Double(y)
        squaresA += Double(x) * Double(x)
        squaresB += Double(y) * Double(y)
    }
    return product / (squaresA * squaresB).squareRoot()
}

/// The largest difference relative to the largest magnitude wanted.
public func relativeError(_ found: [Float], _ wanted: [Float]) -> Double {
    let largest = wanted.reduce(0) { max($0, $1.magnitude) }
    let difference = zip(found, wanted).reduce(0) { max($0, ($1.0 - $1.1).magnitude) }
    return Double(difference) / Double(largest)
}
