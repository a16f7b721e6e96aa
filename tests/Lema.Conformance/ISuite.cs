namespace Lema.Conformance;

/// <summary>One suite of conformance cases that can be run from any folder.</summary>
public interface ISuite
{
    string Name { get; }

    /// <summary>Runs every case found in the folder, one after another.</summary>
    IEnumerable<CaseResult> Run(string folder);
}

/// <param name="Case">Name of the case.</param>
/// <param name="Passed">Whether every expectation held.</param>
/// <param name="Detail">The suite's figure when it passed, the reason when it did not.</param>
public sealed record CaseResult(string Case, bool Passed, string Detail);
