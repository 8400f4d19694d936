import Foundation
import TernImage

/// Tests/Vectors/TernQuality, written by Tools/vectors/make_quality_vectors.py.
struct QualityVectors: Decodable {
    struct Measured: Decodable {
        var file: String
        var width, height: Int
        var blur, mean, deviation, saturated: Double
    }
    struct Lettered: Decodable {
        var file: String
        var width, height: Int
        /// Left, top, right, bottom of each text.
        var boxes: [[Int]]
    }
    var measured: [Measured]
    var text: [Lettered]

    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().appending(path: "Vectors/TernQuality")

    static func load() throws -> QualityVectors {
        try JSONDecoder().decode(QualityVectors.self, from: Data(contentsOf: folder.appending(path: "vector.json")))
    }

    /// The last width * height bytes of a binary PGM file are its pixels.
    static func plane(_ file: String, _ width: Int, _ height: Int) throws -> GreyPlane {
        GreyPlane(width: width, height: height, values: [UInt8](try Data(contentsOf: folder.appending(path: file)).suffix(width * height)))
    }
}
