using Lema.Testing;
using Lema.Testing.Safetensors;

namespace Lema.Engine.Tests.Weights;

/// <summary>The case folder of the conformance program is what the generator writes.</summary>
public sealed class SafetensorsCaseFolderTests
{
    private static string Cases => Path.Combine(Repository.Folder, "tests", "Lema.Conformance", "Cases");

    private static string Verdicts => "case\tverdict\n" + string.Concat(SafetensorsCases.All.Select(one => $"{one.Name}\t{(one.Accept ? "accept" : "reject")}\n"));

    [Fact]
    public void CaseFolder_EqualsTheGeneratedCases()
    {
        Assert.Equal(Verdicts, File.ReadAllText(Path.Combine(Cases, "safetensors-verdicts.tsv")));
        Assert.Equal(
            SafetensorsCases.All.Select(one => one.Name + ".safetensors").Order(StringComparer.Ordinal),
            Directory.GetFiles(Path.Combine(Cases, "safetensors")).Select(file => Path.GetFileName(file)).Order(StringComparer.Ordinal));
        foreach (SafetensorsCase one in SafetensorsCases.All) Assert.Equal(one.Content, File.ReadAllBytes(CasePath(one)));
    }

    /// <summary>Writes the folder anew after a change of the generator: run with <c>--explicit only</c>.</summary>
    [Fact(Explicit = true)]
    public void WriteCaseFolder()
    {
        string folder = Path.Combine(Cases, "safetensors");
        if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(Cases, "safetensors-verdicts.tsv"), Verdicts);
        foreach (SafetensorsCase one in SafetensorsCases.All) File.WriteAllBytes(CasePath(one), one.Content);
    }

    private static string CasePath(SafetensorsCase one) => Path.Combine(Cases, "safetensors", one.Name + ".safetensors");
}
