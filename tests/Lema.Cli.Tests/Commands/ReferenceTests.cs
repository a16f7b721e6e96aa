using Lema.Cli.RunFiles;
using Lema.Cli.Tests.Fakes;
using Lema.Testing;

namespace Lema.Cli.Tests.Commands;

/// <summary>Generated pages of docs/ are those that the commands would make now.</summary>
public sealed class ReferenceTests
{
    [Fact]
    public async Task Reference_DocsPage_IsCurrent()
    {
        using TestTerminal terminal = new();

        Assert.Equal(0, await terminal.RunAsync("reference"));

        Assert.Equal(await File.ReadAllTextAsync(InDocs("cli.md")), terminal.Out);
    }

    [Fact]
    public async Task Schema_DocsFile_IsCurrent() => Assert.Equal(await File.ReadAllTextAsync(InDocs(RunFileSchema.FileName)), RunFileSchema.Write());

    private static string InDocs(string name) => Path.Combine(Repository.Folder, "docs", name);
}
