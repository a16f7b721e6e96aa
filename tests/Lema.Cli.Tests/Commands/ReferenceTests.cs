using Lema.Cli.RunFiles;
using Lema.Cli.Tests.Fakes;

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

    private static string InDocs(string name)
    {
        for (DirectoryInfo? folder = new(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Lema.sln"))) return Path.Combine(folder.FullName, "docs", name);
        }
        throw new DirectoryNotFoundException("These tests run from a checkout.");
    }
}
