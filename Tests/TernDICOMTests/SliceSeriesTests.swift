import TernDICOM
import TernImage
import Testing

private let x = PatientVector(x: 1, y: 0, z: 0)
private let y = PatientVector(x: 0, y: 1, z: 0)

private func slice(_ z: Double, x shift: Double = 0, row: PatientVector = x, column: PatientVector = y, spacing: Double = 0.5) throws -> SlicePosition {
    try #require(
        SlicePosition(
            origin: PatientVector(x: shift, y: 7, z: z), rowDirection: row, columnDirection: column,
            pixelSpacing: ImageAttributes.Spacing(row: spacing, column: spacing)))
}

@Test func sortsSlicesAlongTheirNormal() throws {
    let series = try #require(SliceSeries(try [3, -1, 5, 1].map { try slice($0) }))
    #expect(series.order == [1, 3, 0, 2])
    #expect(series.distances == [0, 2, 4, 6])
    #expect(series.spacing == 2 && series.isRegular)
    #expect(series.normal == PatientVector(x: 0, y: 0, z: 1))
}

@Test func sortsAgainstThePatientWhereTheNormalPointsDown() throws {
    let series = try #require(SliceSeries(try [1, 2, 3].map { try slice($0, row: y, column: x) }))
    #expect(series.order == [2, 1, 0] && series.isRegular)
}

@Test func findsGapsAndDuplicates() throws {
    let series = try #require(SliceSeries(try [0, 1, 2, 2, 5, 6.2, 7.2].map { try slice($0) }))
    #expect(series.gaps == [SliceSeries.Gap(after: 3, distance: 3, missingCount: 2)])
    #expect(series.duplicates == [3])
    #expect(series.uneven == [4])
    #expect(!series.isRegular)
}

@Test func leavesOtherOrientationsOut() throws {
    let z = PatientVector(x: 0, y: 0, z: -1)
    let series = try #require(SliceSeries([slice(0), slice(1), slice(9, column: z), slice(2, row: PatientVector(x: -1, y: 0, z: 0))]))
    #expect(series.otherOrientation == [2, 3] && series.order == [0, 1])
}

@Test func findsSidewaysShiftsAndMixedPixels() throws {
    let series = try #require(SliceSeries([slice(0), slice(1, x: 0.25), slice(2, x: 0.5, spacing: 0.75)]))
    #expect(series.sidewaysShift == 0.5 && series.hasMixedPixelSpacing && !series.isRegular)
}

@Test func takesOneSliceAndSlicesInOnePlace() throws {
    #expect(SliceSeries([]) == nil)
    let one = try #require(SliceSeries([slice(4)]))
    #expect(one.order == [0] && one.spacing == nil && one.isRegular)
    let same = try #require(SliceSeries([slice(4), slice(4), slice(4)]))
    #expect(same.order == [0, 1, 2] && same.duplicates == [1, 2] && same.spacing == nil)
}

/// Directions as files round them: to three digits, and to five with a length of 0.9995 (as one public MR series has them).
@Test func takesRoundedDirections() throws {
    for column in [PatientVector(x: 0, y: 0.988, z: -0.152), PatientVector(x: 0, y: 0.98796, z: -0.15152), PatientVector(x: 0, y: 0.98, z: -0.15)] {
        let slices = try [0, 2, 4].map { try slice($0, column: column) }
        #expect(abs(slices[0].columnDirection.length - 1) < 1e-12 && abs(slices[0].normal.length - 1) < 1e-12)
        let series = try #require(SliceSeries(slices))
        #expect(series.order == [0, 1, 2] && series.otherOrientation.isEmpty)
        #expect(abs(try #require(series.spacing) - 2 * slices[0].normal.z) < 1e-9)
    }
    let skewed = try slice(0, row: PatientVector(x: 0.707, y: 0.707, z: 0), column: PatientVector(x: -0.71, y: 0.71, z: 0.01))
    #expect(abs(skewed.rowDirection.dot(skewed.columnDirection)) < 1e-12)
}

/// 2.4 degrees apart: a length above 1 must not make up for it.
@Test func tellsOrientationsApartWhateverTheirLength() throws {
    let long = PatientVector(x: 0, y: 1.0009, z: 0)
    let tilted = PatientVector(x: 0, y: 1.0009 * 0.99912, z: 1.0009 * 0.04188)
    let series = try #require(SliceSeries([slice(0, column: long), slice(1, column: tilted)]))
    #expect(series.otherOrientation == [1])
}

@Test func refusesDirectionsThatAreNone() {
    let origin = PatientVector(x: 0, y: 0, z: 0)
    for (row, column) in [(x, x), (PatientVector(x: 2, y: 0, z: 0), y), (origin, y), (x, PatientVector(x: 0.1, y: 0.99498743710662, z: 0))] {
        #expect(SlicePosition(origin: origin, rowDirection: row, columnDirection: column) == nil)
    }
}
