public import Foundation
public import TernImage

/// Golden files of one folder under Tests/Vectors.
public struct ImageVectors {
    public struct Case: Decodable, Sendable {
        public struct Greyscale: Decodable, Sendable {
            public var slope: Double
            public var intercept: Double
            public var isInverted: Bool
            /// Centre, width, and 1 for the exact function.
            public var window: [Double]?
        }
        public var file: String
        public var expected: String?
        public var width: Int?
        public var height: Int?
        public var channels: Int?
        public var type: String?
        public var bitsStored: Int?
        public var greyscale: Greyscale?
        public var jpegByteCount: Int?
        /// The name of the error that refuses the file.
        public var refused: String?
    }
    private struct Index: Decodable {
        var cases: [Case]
    }
    public let folder: URL
    public let cases: [Case]

    public init(_ name: String) throws {
        folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().appending(path: "Vectors/\(name)")
        cases = try JSONDecoder().decode(Index.self, from: Data(contentsOf: folder.appending(path: "vector.json"))).cases
    }

    public func bytes(_ file: String) throws -> [UInt8] { [UInt8](try Data(contentsOf: folder.appending(path: file))) }

    public func decodable<T: Decodable>(_ type: T.Type, _ file: String) throws -> T {
        try JSONDecoder().decode(type, from: Data(contentsOf: folder.appending(path: file)))
    }

    /// The image that a case must decode to, without its grey scale.
    public func expectedImage(_ item: Case) throws -> DecodedImage? {
        guard let file = item.expected, let width = item.width, let height = item.height, let channels = item.channels else { return nil }
        let raw = try bytes(file)
        let words = stride(from: 0, to: raw.count - raw.count % 2, by: 2).map { UInt16(raw[$0]) | UInt16(raw[$0 + 1]) << 8 }
        let samples: DecodedImage.Samples =
            switch item.type {
            case "uint8": .uint8(raw)
            case "uint16": .uint16(words)
            default: .int16(words.map { Int16(bitPattern: $0) })
            }
        let greyscale = item.greyscale.map { grey in
            DecodedImage.Greyscale(
                slope: grey.slope, intercept: grey.intercept,
                voi: grey.window.map { .window(DecodedImage.Window(centre: $0[0], width: $0[1], function: $0[2] == 1 ? .linearExact : .linear)) },
                isInverted: grey.isInverted)
        }
        return DecodedImage(
            width: width, height: height, channels: channels, bitsStored: item.bitsStored ?? (item.type == "uint8" ? 8 : 16), samples: samples,
            greyscale: greyscale)
    }
}

/// The name of an enum case without its values.
public func caseName<E: Error>(_ error: E) -> String { String("\(error)".prefix { $0 != "(" }) }

/// Random numbers that are the same in every run.
public struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64
    public init(seed: UInt64) { state = seed }
    public mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
