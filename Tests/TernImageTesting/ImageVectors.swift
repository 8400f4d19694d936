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
            /// Of a function that is neither linear nor exact.
            public var isSigmoid: Bool?
            /// What is wrong with the window, a case of `WindowFault`.
            public var windowFault: String?
            public var voiCount: Int?
            public var modalityTable: Table?
            public var voiTable: Table?
        }
        public struct Table: Decodable, Sendable {
            public var firstInput: Int
            public var bits: Int
            public var entries: [UInt16]
        }
        public var file: String
        public var expected: String?
        public var width: Int?
        public var height: Int?
        public var channels: Int?
        public var type: String?
        public var bitsStored: Int?
        public var greyscale: Greyscale?
        /// Of each frame, where frames differ.
        public var greyscales: [Greyscale]?
        public var jpegByteCount: Int?
        /// Frames one after the other in `expected`; nil for one.
        public var frames: Int?
        /// The name of the error that refuses the file.
        public var refused: String?
    }
    private struct Index: Decodable {
        var cases: [Case]
    }
    public let folder: URL
    public let cases: [Case]

    public init(_ name: String) throws {
        folder = Self.folder(of: name)
        cases = try JSONDecoder().decode(Index.self, from: Data(contentsOf: folder.appending(path: "vector.json"))).cases
    }

    private static func folder(of name: String) -> URL {
        URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().appending(path: "Vectors/\(name)")
    }

    /// A golden file of a folder whose index is another's to read.
    public static func bytes(_ file: String, of name: String) throws -> [UInt8] { [UInt8](try Data(contentsOf: folder(of: name).appending(path: file))) }

    public func bytes(_ file: String) throws -> [UInt8] { [UInt8](try Data(contentsOf: folder.appending(path: file))) }

    public func decodable<T: Decodable>(_ type: T.Type, _ file: String) throws -> T {
        try JSONDecoder().decode(type, from: Data(contentsOf: folder.appending(path: file)))
    }

    /// The image that a case of one frame must decode to.
    public func expectedImage(_ item: Case) throws -> DecodedImage? { try expectedFrames(item).first }

    /// The images that a case must decode to.
    public func expectedFrames(_ item: Case) throws -> [DecodedImage] {
        guard let file = item.expected, let width = item.width, let height = item.height, let channels = item.channels else { return [] }
        let raw = try bytes(file)
        let count = item.frames ?? 1
        let frameByteCount = raw.count / count
        return (0..<count).map { index in
            let samples = expectedSamples(Array(raw[(index * frameByteCount)..<((index + 1) * frameByteCount)]), item.type)
            return DecodedImage(
                width: width, height: height, channels: channels, bitsStored: item.bitsStored ?? (item.type == "uint8" ? 8 : 16), samples: samples,
                greyscale: (item.greyscales?[index] ?? item.greyscale).map { DecodedImage.Greyscale($0) })
        }
    }

    private func expectedSamples(_ raw: [UInt8], _ type: String?) -> DecodedImage.Samples {
        let words = stride(from: 0, to: raw.count - raw.count % 2, by: 2).map { UInt16(raw[$0]) | UInt16(raw[$0 + 1]) << 8 }
        let longs = stride(from: 0, to: words.count - words.count % 2, by: 2).map { UInt32(words[$0]) | UInt32(words[$0 + 1]) << 16 }
        switch type {
        case "uint8": return .uint8(raw)
        case "uint16": return .uint16(words)
        case "uint32": return .uint32(longs)
        case "int32": return .int32(longs.map { Int32(bitPattern: $0) })
        default: return .int16(words.map { Int16(bitPattern: $0) })
        }
    }
}

extension DecodedImage.Greyscale {
    fileprivate init(_ grey: ImageVectors.Case.Greyscale) {
        func table(_ table: ImageVectors.Case.Table) -> DecodedImage.LookupTable {
            DecodedImage.LookupTable(firstInput: table.firstInput, bits: table.bits, entries: table.entries)
        }
        let window = grey.window.map { values in
            let function: DecodedImage.Window.Function = grey.isSigmoid == true ? .sigmoid : values[2] == 1 ? .linearExact : .linear
            return DecodedImage.VOI.window(DecodedImage.Window(centre: values[0], width: values[1], function: function))
        }
        let faults: [DecodedImage.WindowFault] = [.centreMissing, .widthMissing, .centre, .width, .function]
        let unusable = faults.first { "\($0)" == grey.windowFault }.map { DecodedImage.VOI.unusable($0) }
        self.init(
            slope: grey.slope, intercept: grey.intercept, modalityTable: grey.modalityTable.map(table),
            voi: grey.voiTable.map { .table(table($0)) } ?? window ?? unusable, voiCount: grey.voiCount, isInverted: grey.isInverted)
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
