import TernImage

/// The slices of a volume in the order of their positions, with what is wrong with them.
///
/// - Source: positions are those of PS3.3 2024d C.7.6.2; neither file names nor instance numbers count.
public struct SliceSeries: Equatable, Sendable {
    /// Slices that are missing between two that are there.
    public struct Gap: Equatable, Sendable {
        /// The position in `order` that the gap comes after.
        public var after: Int
        /// Millimetres from one slice to the next.
        public var distance: Double
        /// How many slices fit in.
        public var missingCount: Int
        public init(after: Int, distance: Double, missingCount: Int) {
            self.after = after
            self.distance = distance
            self.missingCount = missingCount
        }
    }

    /// Positions of the input, ascending along the normal of the first slice; those of `otherOrientation` are left out.
    public let order: [Int]
    /// Millimetres along the normal from the first slice of `order`, for each of it.
    public let distances: [Double]
    /// The direction in which `order` ascends.
    public let normal: PatientVector
    /// The median distance of neighbours that do not lie in the same place; nil when there are no two.
    public let spacing: Double?
    /// Distances of more than one and a half of the median.
    public let gaps: [Gap]
    /// Positions in `order` of slices that lie where the one before lies.
    public let duplicates: [Int]
    /// Positions in `order` after which the distance is neither the median nor a gap: it differs by more than a hundredth of it.
    public let uneven: [Int]
    /// Positions of the input whose directions are not those of the first slice.
    public let otherOrientation: [Int]
    /// The farthest that a slice is moved sideways from the line through the first one, millimetres: a tilted gantry, or slices of two stacks.
    public let sidewaysShift: Double
    /// Whether pixels have different distances.
    public let hasMixedPixelSpacing: Bool

    /// Files round positions to about this, millimetres.
    private static let tolerance = 0.01
    /// The cosine of 0.25 degrees.
    private static let directionTolerance = 0.999_99

    /// Nil for no slices.
    ///
    /// - Cost: that of sorting.
    public init?(_ slices: [SlicePosition]) {
        guard let first = slices.first else { return nil }
        let axis = first.normal
        var kept: [(index: Int, distance: Double)] = []
        var others: [Int] = []
        var shift = 0.0
        var isMixed = false
        for (index, slice) in slices.enumerated() {
            isMixed = isMixed || !SliceSeries.isSame(slice, first)
            let isParallel =
                slice.rowDirection.dot(first.rowDirection) > SliceSeries.directionTolerance
                && slice.columnDirection.dot(first.columnDirection) > SliceSeries.directionTolerance
            // The first slice says what the orientation is, however its own directions round.
            guard isParallel || index == 0 else {
                others.append(index)
                continue
            }
            let offset = slice.origin.minus(first.origin)
            let distance = offset.dot(axis)
            shift = max(shift, offset.minus(axis.times(distance)).length)
            kept.append((index, distance))
        }
        // Slices in the same place keep the order in which they came.
        kept.sort { $0.distance < $1.distance || $0.distance == $1.distance && $0.index < $1.index }
        let start = kept.first?.distance ?? 0
        order = kept.map { $0.index }
        distances = kept.map { $0.distance - start }
        normal = axis
        otherOrientation = others
        sidewaysShift = shift
        hasMixedPixelSpacing = isMixed
        let steps = zip(distances.dropFirst(), distances).map { $0 - $1 }
        let ordinary = steps.filter { $0 > SliceSeries.tolerance }.sorted()
        let median = ordinary.isEmpty ? nil : ordinary[ordinary.count / 2]
        spacing = median
        var found: (gaps: [Gap], duplicates: [Int], uneven: [Int]) = ([], [], [])
        for (position, step) in steps.enumerated() {
            guard step > SliceSeries.tolerance, let median else {
                found.duplicates.append(position + 1)
                continue
            }
            if step > 1.5 * median {
                found.gaps.append(Gap(after: position, distance: step, missingCount: SliceSeries.missing(step, median)))
            } else if abs(step - median) > max(0.01 * median, SliceSeries.tolerance) {
                found.uneven.append(position)
            }
        }
        (gaps, duplicates, uneven) = found
    }

    /// Whether the slices make a volume as they are: one orientation, the same distance from each to the next, none twice, none moved sideways.
    public var isRegular: Bool {
        gaps.isEmpty && duplicates.isEmpty && uneven.isEmpty && otherOrientation.isEmpty && !hasMixedPixelSpacing && sidewaysShift <= 0.1
    }

    private static func isSame(_ slice: SlicePosition, _ other: SlicePosition) -> Bool {
        guard let one = slice.pixelSpacing, let two = other.pixelSpacing else { return slice.pixelSpacing == other.pixelSpacing }
        return abs(one.row - two.row) < 1e-4 && abs(one.column - two.column) < 1e-4
    }

    /// The whole number of steps that fit in, less one; a step may be as long as positions can be far apart.
    private static func missing(_ step: Double, _ spacing: Double) -> Int { Int(min(step / spacing + 0.5, 1e9)) - 1 }
}
