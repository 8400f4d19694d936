/// What a code stream may make OpenJPEG allocate and repeat, against the bytes that it brings.
///
/// A packet has at least one byte, a tile at least its two markers. Empty areas cost next to nothing in JPEG 2000: a black frame has some 100 bytes
/// whatever its size. So the samples of an ordinary frame are free, and beyond them there is a ratio that real images stay below. Each check comes before
/// OpenJPEG sees the first byte.
struct CostBounds {
    /// Samples that any code stream may have, 1920 x 1080 in colour or 2,508 x 2,508 in grey, and those it may have for each byte more. OpenJPEG holds about
    /// ten bytes for a sample.
    static let freeSamples = 6 << 20
    static let limitSamplesPerByte = 2_048
    /// OpenJPEG holds four bytes a sample beside the result: 128 MiB.
    static let limitSamples = 32 << 20
    /// OpenJPEG holds about 12 KiB for a tile.
    static let limitTiles = 4_096
    /// The markers SOT, with its segment, and SOD.
    static let leastTileBytes = 14
    /// About 1.2 KiB for a precinct of three bands; one tile is held at a time.
    static let limitPrecinctsOfTile = 65_536
    /// About 150 bytes for a code block: those that any code stream may have, those for each byte more, and the most.
    static let freeCodeBlocks = 1 << 16
    static let limitCodeBlocksPerByte = 32
    static let limitCodeBlocksOfTile = 1 << 20
    /// OpenJPEG marks seen packets in a table of two bytes for each layer, resolution, component and precinct of the widest resolution.
    static let limitPacketMarks = 32 << 20
    /// Places that the position progressions visit.
    static let limitProgressionSteps = 1 << 26

    static func check(sampleCount: Int, streamByteCount: Int) throws(JPEG2000Error) {
        // At most 2^26 bytes are images; a longer stream has no larger allowance.
        let limit = min(limitSamples, freeSamples + limitSamplesPerByte * min(streamByteCount, limitSamples))
        guard sampleCount <= limit else { throw .tooMany(.samples, count: sampleCount, limit: limit) }
    }

    private let streamByteCount: Int
    private var packetCount = 0
    private var stepCount = 0

    init(streamByteCount: Int) { self.streamByteCount = streamByteCount }

    /// Counts one tile.
    mutating func add(_ shape: CodeStreamShape, column: Int, row: Int, _ styles: CodingStyles) throws(JPEG2000Error) {
        let components = styles.all
        let cost = Tile(shape, column: column, row: row).cost(components)
        guard cost.precincts <= CostBounds.limitPrecinctsOfTile else {
            throw .tooMany(.precincts, count: cost.precincts, limit: CostBounds.limitPrecinctsOfTile)
        }
        let payable = CostBounds.freeCodeBlocks + CostBounds.limitCodeBlocksPerByte * min(streamByteCount, CostBounds.limitCodeBlocksOfTile)
        let limit = min(CostBounds.limitCodeBlocksOfTile, payable)
        guard cost.blocks <= limit else { throw .tooMany(.codeBlocks, count: cost.blocks, limit: limit) }
        // At most 2^16 precincts, 2^16 layers and 2^12 tiles: no overflow, also of the products below.
        packetCount += cost.precincts * styles.layerCount
        guard packetCount <= streamByteCount else { throw .tooMany(.packets, count: packetCount, limit: streamByteCount) }
        let marks = cost.widestPrecincts * (styles.layerCount + 1) * cost.resolutions * components.count
        guard marks <= CostBounds.limitPacketMarks else { throw .tooMany(.packets, count: marks, limit: CostBounds.limitPacketMarks) }
        if styles.progression >= 2 { stepCount += cost.steps * cost.resolutions * components.count }
        guard stepCount <= CostBounds.limitProgressionSteps else {
            throw .tooMany(.progressionSteps, count: stepCount, limit: CostBounds.limitProgressionSteps)
        }
    }
}

/// A tile on the reference grid, which is also the grid of every component: each is sampled once.
private struct Tile {
    let left, top, right, bottom: Int

    init(_ shape: CodeStreamShape, column: Int, row: Int) {
        left = max(shape.tileLeft + column * shape.tileWidth, shape.left)
        top = max(shape.tileTop + row * shape.tileHeight, shape.top)
        right = min(shape.tileLeft + (column + 1) * shape.tileWidth, shape.right)
        bottom = min(shape.tileTop + (row + 1) * shape.tileHeight, shape.bottom)
    }

    struct Cost {
        /// Of all components and resolutions, and of the resolution with the most.
        var precincts = 0
        var widestPrecincts = 0
        var blocks = 0
        var resolutions = 0
        /// Places on the finest grid that a position progression visits.
        var steps = 0
    }

    func cost(_ styles: [CodingStyle]) -> Cost {
        var cost = Cost()
        var (stepWidth, stepHeight) = (62, 62)
        for style in styles {
            cost.resolutions = max(cost.resolutions, style.levels + 1)
            // The rounding of the bands adds at most a block a band and side; precincts clip blocks further and are counted themselves.
            let blockArea = 1 << (style.blockWidthExponent + style.blockHeightExponent)
            cost.blocks += (right - left) * (bottom - top) / blockArea
            for resolution in 0...style.levels {
                let shift = style.levels - resolution
                let exponents = style.precinctExponents(resolution)
                let wide = Tile.precincts(left, right, shift: shift, exponent: exponents.width)
                let high = Tile.precincts(top, bottom, shift: shift, exponent: exponents.height)
                // Sides are at most 2^14 samples: the product fits.
                cost.precincts += wide * high
                cost.widestPrecincts = max(cost.widestPrecincts, wide * high)
                stepWidth = min(stepWidth, shift + exponents.width)
                stepHeight = min(stepHeight, shift + exponents.height)
            }
        }
        cost.steps = Tile.precincts(left, right, shift: 0, exponent: stepWidth) * Tile.precincts(top, bottom, shift: 0, exponent: stepHeight)
        return cost
    }

    /// B-15 and B-16: precincts between two coordinates of a resolution that is 2^shift times coarser.
    private static func precincts(_ from: Int, _ to: Int, shift: Int, exponent: Int) -> Int {
        let scale = 1 << shift
        let (first, last) = ((from + scale - 1) >> shift, (to + scale - 1) >> shift)
        guard last > first else { return 0 }
        let side = 1 << exponent
        return ((last + side - 1) >> exponent) - (first >> exponent)
    }
}
