import TernBytes
import TernImage

/// The image and tile sizes of a code stream (ISO/IEC 15444-1 A.5.1), within the limits of this package.
struct CodeStreamShape {
    /// The image on the reference grid: 0 ... 2^32 - 1.
    let left, top, right, bottom: Int
    /// The first tile's corner and the sides of a tile.
    let tileLeft, tileTop, tileWidth, tileHeight: Int
    let tilesWide, tilesHigh: Int
    let components: Int
    /// Bits of a sample, 1 ... 16.
    let precision: Int
    let isSigned: Bool
    var width: Int { right - left }
    var height: Int { bottom - top }

    init(parsing segment: RawSpan, offset: Int, streamByteCount: Int) throws(JPEG2000Error) {
        let wrong = JPEG2000Error.segment(marker: CodeStream.Marker.shape, offset: offset)
        guard segment.byteCount >= 36 else { throw wrong }
        let capabilities = segment.uint16BE(at: 0)
        guard capabilities & 0x4000 == 0 else { throw .unsupported(.highThroughput) }
        guard capabilities & 0x8000 == 0 else { throw .unsupported(.extensions) }
        (right, bottom) = (Int(segment.uint32BE(at: 2)), Int(segment.uint32BE(at: 6)))
        (left, top) = (Int(segment.uint32BE(at: 10)), Int(segment.uint32BE(at: 14)))
        (tileWidth, tileHeight) = (Int(segment.uint32BE(at: 18)), Int(segment.uint32BE(at: 22)))
        (tileLeft, tileTop) = (Int(segment.uint32BE(at: 26)), Int(segment.uint32BE(at: 30)))
        components = Int(segment.uint16BE(at: 34))
        guard components == 1 || components == 3 else { throw .unsupportedComponents(count: components) }
        guard segment.byteCount == 36 + 3 * components else { throw wrong }
        guard tileWidth > 0, tileHeight > 0, tileLeft <= left, tileTop <= top, tileLeft + tileWidth > left, tileTop + tileHeight > top else {
            throw wrong
        }
        let depth = segment.uint8(at: 36)
        precision = Int(depth & 0x7F) + 1
        isSigned = depth & 0x80 != 0
        guard precision <= 16 else { throw .precision(precision) }
        for index in 0..<components {
            guard segment.uint8(at: 36 + 3 * index) == depth, segment.uint16BE(at: 37 + 3 * index) == 0x0101 else {
                throw .unsupported(.componentSampling)
            }
        }
        let sampleCount: Int
        do throws(ImageLimitError) {
            sampleCount = try ImageLimits.sampleCount(
                width: right - left, height: bottom - top, channels: components, bytesPerSample: precision <= 8 && !isSigned ? 1 : 2)
        } catch {
            throw .shape(error)
        }
        try CostBounds.check(sampleCount: sampleCount, streamByteCount: streamByteCount)
        tilesWide = (right - tileLeft + tileWidth - 1) / tileWidth
        tilesHigh = (bottom - tileTop + tileHeight - 1) / tileHeight
        let (tileCount, overflow) = tilesWide.multipliedReportingOverflow(by: tilesHigh)
        let limit = min(CostBounds.limitTiles, streamByteCount / CostBounds.leastTileBytes)
        guard !overflow, tileCount <= limit else { throw .tooMany(.tiles, count: overflow ? Int.max : tileCount, limit: limit) }
    }
}
