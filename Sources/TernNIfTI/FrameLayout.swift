import TernImage

/// Where the samples of a frame lie.
struct FrameLayout: Equatable, Sendable {
    let width: Int
    let height: Int
    let sliceCount: Int
    let spacing: ImageAttributes.Spacing
    let sliceSpacing: Double
    /// Where rows and columns run, once the file says where its axes are.
    let rowDirection, columnDirection: ImageAttributes.Direction
    /// Bytes from a sample to the next of its row, column and slice; negative where the stored order is the other one.
    let columnStride: Int
    let rowStride: Int
    private let sliceStride: Int
    private let volumeStride: Int
    /// Of the first sample of the first frame.
    private let start: Int
    private let dataStart: Int

    /// - Precondition: the product of `counts` and `byteCount` fits, which the caller proves before it uses an offset.
    init(_ axes: VoxelAxes, counts: [Int], isFlat: Bool, dataStart: Int, byteCount: Int) {
        var (columns, rows, slices) = (axes.left, axes.posterior, axes.superior)
        var directions = (row: ImageAttributes.Direction.left, column: ImageAttributes.Direction.posterior)
        if isFlat, axes.superior.stored != 2 {
            rows = axes.superior
            rows.isReversed.toggle()
            // The third stored axis has one sample: it is the frame's own.
            let isSagittal = axes.left.stored == 2
            (columns, slices) = isSagittal ? (axes.posterior, axes.left) : (axes.left, axes.posterior)
            directions = (isSagittal ? .posterior : .left, .foot)
        }
        (rowDirection, columnDirection) = directions
        let strides = [byteCount, byteCount &* counts[0], byteCount &* counts[0] &* counts[1]]
        (width, height, sliceCount) = (counts[columns.stored], counts[rows.stored], counts[slices.stored])
        spacing = ImageAttributes.Spacing(row: rows.spacing, column: columns.spacing)
        sliceSpacing = slices.spacing
        volumeStride = strides[2] &* counts[2]
        var start = dataStart
        func step(_ axis: VoxelAxes.Axis) -> Int {
            guard axis.isReversed else { return strides[axis.stored] }
            start &+= strides[axis.stored] &* (counts[axis.stored] - 1)
            return 0 &- strides[axis.stored]
        }
        columnStride = step(columns)
        rowStride = step(rows)
        sliceStride = step(slices)
        self.start = start
        self.dataStart = dataStart
    }

    /// The byte offset of the first sample of a frame.
    func offset(ofFrame index: Int) -> Int { start + index % sliceCount * sliceStride + index / sliceCount * volumeStride }

    /// The byte after the last sample.
    func end(volumeCount: Int) -> Int { dataStart + volumeStride * volumeCount }
}
