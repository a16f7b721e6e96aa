namespace Lema.EndToEnd.Tests;

/// <summary>A program that has ended.</summary>
internal sealed record Finished(int ExitCode, string Out, string Error)
{
    /// <summary>Lines of standard output.</summary>
    public string[] Lines => Out.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>Standard output, after checking that the program succeeded.</summary>
    public string Succeeded()
    {
        Assert.True(ExitCode == 0, $"exit code {ExitCode}\n{Out}\n{Error}");
        return Out;
    }
}
