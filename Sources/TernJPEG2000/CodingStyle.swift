import TernBytes

/// The coding styles in force for the components of a tile (ISO/IEC 15444-1 A.6.1 and A.6.2).
struct CodingStyles {
    /// Order of the packets, 0 ... 4; positions come first from 2 on.
    private(set) var progression: UInt8 = 0
    private(set) var layerCount = 0
    private var common: CodingStyle?
    /// By component, where one has its own.
    private var own: [CodingStyle?] = []
    private var isRead = false
    private let components: Int

    init(components: Int) {
        self.components = components
        forgetOwn()
    }

    var isComplete: Bool { common != nil }
    /// The style of each component.
    var all: [CodingStyle] {
        var styles: [CodingStyle] = []
        for style in own { if let style = style ?? common { styles.append(style) } }
        return styles
    }

    /// From here on segments are those of a tile, and one more common style may come.
    mutating func beginTile() { isRead = false }

    private mutating func forgetOwn() {
        own = []
        for _ in 0..<components { own.append(nil) }
    }

    /// Reads a segment of coding style; other segments change nothing.
    mutating func read(_ code: UInt16, _ segment: RawSpan, offset: Int) throws(JPEG2000Error) {
        let wrong = JPEG2000Error.segment(marker: code, offset: offset)
        switch code {
        case CodeStream.Marker.codingStyle:
            guard !isRead, segment.byteCount >= 5 else { throw wrong }
            isRead = true
            // A.6.1: a tile's common style goes before every style of the main header.
            if common != nil { forgetOwn() }
            progression = segment.uint8(at: 1)
            layerCount = Int(segment.uint16BE(at: 2))
            guard progression <= 4, layerCount > 0 else { throw wrong }
            common = try CodingStyle(
                parsing: segment.extracting(5..<segment.byteCount), hasPrecincts: segment.uint8(at: 0) & 1 == 1, marker: code, offset: offset)
        case CodeStream.Marker.codingStyleOfComponent:
            // OpenJPEG lets a common style undo styles of components that came before it: that order has no agreed meaning.
            guard common != nil, segment.byteCount >= 2, Int(segment.uint8(at: 0)) < components else { throw wrong }
            own[Int(segment.uint8(at: 0))] = try CodingStyle(
                parsing: segment.extracting(2..<segment.byteCount), hasPrecincts: segment.uint8(at: 1) & 1 == 1, marker: code, offset: offset)
        default: return
        }
    }
}

/// How a component is coded (A.6.1, table A.20).
struct CodingStyle {
    /// Wavelet decompositions, 0 ... 32.
    let levels: Int
    /// Exponents of the sides of a code block, 2 ... 10.
    let blockWidthExponent, blockHeightExponent: Int
    /// Exponents of the sides of a precinct of each resolution, low nibble the width's, from the smallest resolution.
    private let precincts: [UInt8]

    init(parsing parameters: RawSpan, hasPrecincts: Bool, marker: UInt16, offset: Int) throws(JPEG2000Error) {
        let wrong = JPEG2000Error.segment(marker: marker, offset: offset)
        guard parameters.byteCount >= 5 else { throw wrong }
        levels = Int(parameters.uint8(at: 0))
        (blockWidthExponent, blockHeightExponent) = (Int(parameters.uint8(at: 1)) + 2, Int(parameters.uint8(at: 2)) + 2)
        guard levels <= 32, blockWidthExponent <= 10, blockHeightExponent <= 10, blockWidthExponent + blockHeightExponent <= 12 else { throw wrong }
        guard parameters.uint8(at: 3) & 0x40 == 0 else { throw .unsupported(.highThroughput) }
        guard parameters.uint8(at: 3) < 0x40, parameters.uint8(at: 4) <= 1 else { throw wrong }
        guard parameters.byteCount == 5 + (hasPrecincts ? levels + 1 : 0) else { throw wrong }
        precincts = hasPrecincts ? parameters.extracting(5..<parameters.byteCount).array : []
        for resolution in 1..<max(precincts.count, 1) {
            // B.6: only the smallest resolution may have precincts of one sample.
            guard precincts[resolution] & 15 > 0, precincts[resolution] >> 4 > 0 else { throw wrong }
        }
    }

    /// Exponents of the precinct's sides at a resolution.
    func precinctExponents(_ resolution: Int) -> (width: Int, height: Int) {
        precincts.isEmpty ? (15, 15) : (Int(precincts[resolution] & 15), Int(precincts[resolution] >> 4))
    }
}
