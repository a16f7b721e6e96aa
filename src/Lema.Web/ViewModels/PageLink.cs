namespace Lema.Web.ViewModels;

/// <summary>Addresses of the dashboard's pages about one host's things.</summary>
public static class PageLink
{
    /// <param name="step">A point of its curves to mark.</param>
    public static string ToRun(string host, string run, string? tab = null, long? step = null) =>
        $"hosts/{Escape(host)}/runs/{Escape(run)}" + (tab is not null ? "?tab=" + Escape(tab) : step is not null ? $"?step={step}" : "");

    public static string ToModel(string host, string model) => $"hosts/{Escape(host)}/models/{Escape(model)}";

    public static string ToDataset(string host, string dataset) => $"hosts/{Escape(host)}/datasets/{Escape(dataset)}";

    public static string ToSignIn(string host, string returnUrl) => $"sign-in?host={Escape(host)}&returnUrl={Escape(returnUrl)}";

    public static string ToChat(string host, string? run = null, string? checkpoint = null, string? model = null, string? conversation = null) =>
        "chat?" + string.Join('&', new[] { ("host", host), ("run", run), ("checkpoint", checkpoint), ("model", model), ("conversation", conversation) }
            .Where(pair => !string.IsNullOrEmpty(pair.Item2)).Select(pair => $"{pair.Item1}={Escape(pair.Item2!)}"));

    public static string ToNewRun(string host, string? model = null, string? dataset = null, string? from = null) =>
        "new?" + string.Join('&', new[] { ("host", host), ("model", model), ("dataset", dataset), ("from", from) }
            .Where(pair => !string.IsNullOrEmpty(pair.Item2)).Select(pair => $"{pair.Item1}={Escape(pair.Item2!)}"));

    public static string ToComparison(IEnumerable<(string Host, string Run)> runs) =>
        "compare?" + string.Join('&', runs.Select(run => $"run={Escape(run.Host + "/" + run.Run)}"));

    /// <summary>The files of an owner below a folder, as one .zip. <paramref name="owner"/> as in the Artifacts service, such as "run/ID".</summary>
    public static string ToFolder(string host, string owner, string folder)
    {
        string[] parts = owner.Split('/', 2);
        return $"hosts/{Escape(host)}/files/{Escape(parts[0])}/{Escape(parts[1])}" + (folder.Length > 0 ? "?folder=" + Escape(folder) : "");
    }

    private static string Escape(string text) => Uri.EscapeDataString(text);
}
