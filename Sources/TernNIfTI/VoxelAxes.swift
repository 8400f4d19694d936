/// How the stored axes of a volume lie in the patient.
struct VoxelAxes: Equatable {
    /// One stored axis seen from the patient.
    struct Axis: Equatable {
        /// 0, 1 or 2: the first, second or third stored axis.
        var stored: Int
        /// Whether the stored samples run against the direction.
        var isReversed: Bool
        /// Distance between neighbours, millimetres.
        var spacing: Double
    }
    /// Stored axes whose samples run to the patient's left, posterior and superior.
    var left: Axis
    var posterior: Axis
    var superior: Axis

    /// Finds for each stored axis the patient's axis that it is closest to, each patient's axis once.
    ///
    /// The nearest rotation of the transformation decides, so a sheared volume is taken as the one it was sheared from; the stored axis that lies
    /// closest to a patient's axis chooses first. nibabel's `io_orientation` does the same.
    ///
    /// - Throws: `.orientation`.
    init(_ header: NIfTIHeader, isFlat: Bool) throws(NIfTIError) {
        var columns = try header.axisVectors()
        if isFlat, length(columns[2]) == 0 { columns[2] = cross(columns[0], columns[1]) }
        let spacings = columns.map(length)
        guard spacings.allSatisfy({ $0.isFinite && $0 > 0 }) else { throw .orientation }
        let directions = zip(columns, spacings).map { column, spacing in column.map { $0 / spacing } }
        guard var rotation = nearestRotation(directions) else { throw .orientation }
        var axes = [Axis?](repeating: nil, count: 3)
        let largest = rotation.map { column in column.map { abs($0) }.reduce(0, max) }
        var order = [0, 1, 2]
        // Stable: of two axes equally close the earlier chooses first.
        if largest[order[1]] > largest[order[0]] { order.swapAt(0, 1) }
        if largest[order[2]] > largest[order[1]] { order.swapAt(1, 2) }
        if largest[order[1]] > largest[order[0]] { order.swapAt(0, 1) }
        for stored in order {
            var nearest = 0
            for world in 1..<3 where abs(rotation[stored][world]) > abs(rotation[stored][nearest]) { nearest = world }
            guard axes[nearest] == nil else { throw .orientation }
            let isTowardsWorld = rotation[stored][nearest] > 0
            // NIfTI's axes run to right, anterior and superior.
            axes[nearest] = Axis(stored: stored, isReversed: nearest == 2 ? !isTowardsWorld : isTowardsWorld, spacing: spacings[stored])
            for other in 0..<3 { rotation[other][nearest] = 0 }
        }
        guard let left = axes[0], let posterior = axes[1], let superior = axes[2] else { throw .orientation }
        self.left = left
        self.posterior = posterior
        self.superior = superior
    }
}

extension NIfTIHeader {
    /// Which transformation is used: the sform when its code is above 0, else the qform when its code is, else none.
    var orientationSource: NIfTIFile.OrientationSource { sformCode > 0 ? .sform : qformCode > 0 ? .qform : .none }

    /// Steps of one sample along each stored axis, in millimetres to the right, anterior and superior.
    fileprivate func axisVectors() throws(NIfTIError) -> [[Double]] {
        var columns: [[Double]]
        switch orientationSource {
        case .sform: columns = (0..<3).map { column in (0..<3).map { affineRows[$0][column] } }
        case .qform: columns = try quaternionVectors()
        case .none:
            // nifti1.h, method 1, as nibabel and ANALYZE's readers take it: samples of a row run to the left.
            let steps = positiveSpacings
            columns = [[-steps[0], 0, 0], [0, steps[1], 0], [0, 0, steps[2]]]
        }
        let scale = millimetresPerUnit
        columns = columns.map { $0.map { $0 * scale } }
        guard columns.allSatisfy({ $0.allSatisfy { $0.isFinite } }) else { throw .orientation }
        return columns
    }

    /// pixdim[1 ... 3] without signs; 1 for 0.
    private var positiveSpacings: [Double] { spacings[1...3].map { $0 == 0 ? 1 : abs($0) } }

    /// xyzt_units: metres 1, millimetres 2, micrometres 3; unknown means millimetres.
    private var millimetresPerUnit: Double {
        switch units & 7 {
        case 1: 1000
        case 3: 0.001
        default: 1
        }
    }

    /// nifti1.h, method 2.
    private func quaternionVectors() throws(NIfTIError) -> [[Double]] {
        let (b, c, d) = (quaternion[0], quaternion[1], quaternion[2])
        let rest = 1 - (b * b + c * c + d * d)
        // Three steps of binary32, in which b, c and d are written.
        guard rest >= -3 * 0x1p-23 else { throw .orientation }
        let a = rest > 0 ? rest.squareRoot() : 0
        let steps = positiveSpacings
        // qfac: anything but a negative number means 1.
        let depth = spacings[0] < 0 ? -steps[2] : steps[2]
        let first = [a * a + b * b - c * c - d * d, 2 * (b * c + a * d), 2 * (b * d - a * c)]
        let second = [2 * (b * c - a * d), a * a + c * c - b * b - d * d, 2 * (c * d + a * b)]
        let third = [2 * (b * d + a * c), 2 * (c * d - a * b), a * a + d * d - c * c - b * b]
        return [first.map { $0 * steps[0] }, second.map { $0 * steps[1] }, third.map { $0 * depth }]
    }
}

private func length(_ vector: [Double]) -> Double { (vector[0] * vector[0] + vector[1] * vector[1] + vector[2] * vector[2]).squareRoot() }

private func cross(_ u: [Double], _ v: [Double]) -> [Double] {
    [u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0]]
}

/// The orthogonal factor of the polar decomposition of a matrix of three columns of length 1, or nil when it is singular.
///
/// Newton's iteration, X <- (X + X^-T) / 2 (Higham 1986, SIAM J. Sci. Stat. Comput. 7, 1160): quadratic, after a halving for every power of two
/// that the smallest singular value lies below 1.
private func nearestRotation(_ columns: [[Double]]) -> [[Double]]? {
    var x = columns
    for _ in 0..<64 {
        // The columns of X^-T are the cross products of the columns of X, divided by the determinant.
        let cofactors = [cross(x[1], x[2]), cross(x[2], x[0]), cross(x[0], x[1])]
        let determinant = zip(x[0], cofactors[0]).reduce(0) { $0 + $1.0 * $1.1 }
        guard abs(determinant) > 1e-9 else { return nil }
        var change = 0.0
        for column in 0..<3 {
            for row in 0..<3 {
                let next = (x[column][row] + cofactors[column][row] / determinant) / 2
                change = max(change, abs(next - x[column][row]))
                x[column][row] = next
            }
        }
        if change < 1e-14 { break }
    }
    return x
}
