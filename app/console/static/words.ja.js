const DANGERS = {
  "danger_open to everyone, without a token": "トークンなしで誰にでも開放",
  "danger_open to any valid token": "有効なトークンなら誰にでも開放",
  "danger_a deny no longer applies": "拒否ルールが効かなくなる",
  "danger_by a wildcard": "ワイルドカードによる許可",
  "danger_an administrative path": "管理用のパス",
};

const where = (part) => (part.domain ? ` (\`${part.domain}\`)` : "");
const whose = (side) => ({ everyone: "トークンのない呼び出しも含む全員", nobody: "トークンのない呼び出し", token: "有効なトークンを持つ全員" })[side.who] ?? (side.names.length ? side.names.map((name) => `\`${name}\``).join("、") : `ロール ${side.number} 個`);

const others = (side) => (side.others ? ` (ほかの呼び出しはさらに ${side.others} 件)` : "");
const heads = (part) => (part.program ? `プログラム ${part.number} 個` : `${part.number} 人`);

// The parts of the line above a difference, as the service tells them.
const HEADLINES = {
  headline_becomes: (part) => `${heads(part)}が \`${part.role}\`${where(part)} になります`,
  headline_ceases: (part) => `${heads(part)}が \`${part.role}\`${where(part)} でなくなります`,
  headline_lose_everything: (part) => `${heads(part)}がすべての権限を失います`,
  headline_gain: (part) => `${heads(part)}の権限が増えます`,
  headline_lose: (part) => `${heads(part)}の権限が減ります`,
  headline_roles: (part) => `${[
    part.gain && `${whose(part.gain)}にエンドポイント ${part.gain.endpoints} 件が許可されます${others(part.gain)}`,
    part.lose && `${whose(part.lose)}はエンドポイント ${part.lose.endpoints} 件が許可されなくなります${others(part.lose)}`,
  ].filter(Boolean).join("。")} (追加 ${part.granted}、取り消し ${part.revoked})`,
  headline_nothing: (part) => `${part.certain ? "権限は変わりません" : "権限の変化は見つかりません"}${{ "what nobody sends": " (誰も送らないリクエストを除く)", "nobody as they come": " (通常は現れない呼び出し元を除く)" }[part.but] ?? ""}`,
};

// The parts of a difference: who, what an endpoint stands for, and what decides.
const DIFFERENCES = {
  who_nobody: "トークンのない呼び出し", who_token: "有効なトークン", who_more: (n) => `ほか最大 ${n} 件の呼び出し元`,
  stands_literal: (of, granted) => `このパスだけ: \`${of}\` は文字どおりの意味で、ほかの値は${granted ? "許可されない" : "許可された"}ままです`,
  stands_pattern: (of) => `\`${of}\` に一致し、既知のエンドポイントのない範囲の例`, stands_unknown: "既知のエンドポイントではありません",
  why_allowed: (part) => `${part.line} 行目が許可: ${part.text}`, why_was_allowed: (part) => `以前は ${part.line} 行目が許可: ${part.text}`,
  why_denied: (part) => `新しい文書の ${part.line} 行目が拒否: ${part.text}`, why_no_longer_denied: (part) => `元の文書の ${part.line} 行目の拒否がなくなる: ${part.text}`, why_by_default: () => "ルールによらない既定の判断",
  test_allowed: (one) => `${one.caller} に ${one.act} ${one.obj} が許可されますが、拒否されるはずです`, test_refused: (one) => `${one.caller} に ${one.act} ${one.obj} が許可されませんが、許可されるはずです`,
};

const mebibytes = (bytes) => (bytes < 2 ** 20 ? `${Math.ceil(bytes / 1024)} KiB` : `${(bytes / 2 ** 20).toFixed(1)} MiB`);

export const japanese = {
  ...DANGERS, ...HEADLINES, ...DIFFERENCES,
  matrix: "マトリクス", roles: "ロール", why: "理由", draft: "下書き", live: "ライブ", status: "状態",
  views: "画面", skip: "本文へ移動", signOut: "サインアウト", theme: "配色", auto: "システムに合わせる", light: "ライト", dark: "ダーク",
  loading: "読み込み中…", again: "再試行", later: "あとで",
  welcome: "誰が何をできるかを、実行される前に見る", welcomeText: "ロールとエンドポイントの一覧、リクエストが拒否された理由、ポリシーの編集で変わることを確認できます。表示内容は、あなた自身のトークンでポリシーが判断します。",
  signIn: "サインイン", withIssuer: (host) => `${host} でサインイン`, demoUsers: "開発用のサービスです。次のユーザーとしてワンクリックでサインインできます。", noRole: "ロールなし",
  paste: "またはトークンを貼り付け", pasteHint: "このタブのメモリだけに保持され、タブを閉じると消えます。", useToken: "このトークンを使う",
  signIn_malformed: "トークンの形式ではありません。", signIn_refused: "このトークンは受け付けられません。", signIn_unreachable: "サービスが応答しません。", signIn_issuer: "サインインできませんでした。", signIn_popup: "ブラウザーがサインインのウィンドウをブロックしました。許可して再試行してください。",
  ranOut: "サインインの有効期限が切れました", ranOutText: "続けるにはもう一度サインインしてください。入力した内容は失われません。", minutesLeft: (n) => `残り ${n} 分`, secondsLeft: (n) => `残り ${n} 秒`, closeMe: "サインインしました。このウィンドウは閉じてかまいません。",
  mayNotSee: "この画面を表示する権限がありません", takes: "必要な権限:", yourRoles: "あなたのロール:", askTeam: "セキュリティ担当者が policy.csv でロールに権限を与えられます。この判断の理由は ID で確認できます。",
  decisionId: "判断の ID", unreachable: "サービスが応答しません。", busy: "ほかの問い合わせを処理しています。数秒後に再試行してください。", failed: (status) => `処理できませんでした (${status})。`, incomplete: "一部だけを表示しています:",
  yes: "許可", inherited: "許可 (継承)", denied: "ルールで拒否", none: "許可なし", has: "が持つ",
  matrixLead: "横がロール、縦がエンドポイントです。セルを選ぶと理由を表示します。", role: "ロール", path: "パス", method: "メソッド", cells: "セル", anyMethod: "すべて", anyState: "すべて", copyCsv: "CSV でコピー", copied: "コピーしました", legend: "凡例", revision: "リビジョン", endpoint: "エンドポイント",
  counted: (rows, columns) => `エンドポイント ${rows} 件 × 呼び出し元 ${columns} 件`, nothingMatches: "条件に合うものがありません。", pathHint: "セルを指すと、判断したルールとそこまでの経路をここに表示します。", line: (n) => `${n} 行目`,
  rolesLead: "誰が誰の権限を持つかを示します。持つ側が左、持たれる側が右で、数字はロール自身のルールの数です。", rolesGraph: "ロールの図", person: "個人", word: "モデルの語", nobody: "トークンなし", notDrawn: (n) => `多すぎるため ${n} 件を図に含めていません。`, noNames: "ポリシーにはまだロールがありません。ルールかリンクに書くとロールになります。",
  wordHint: "この語が誰を指すかは、ポリシーではなくモデルに書かれています。", adds: "自身のルール", holds: "次の権限も持つ", heldBy: "持っているのは", none_: "なし", andMore: (n) => `ほか ${n} 件`, inMatrix: "マトリクスで見る",
  whyLead: "リクエストが許可または拒否された理由、判断したルール、何が違えばよかったかを示します。", or: "または質問する", rolesOf: "ロール (カンマ区切り)", subOf: "サブジェクト (sub)", whoHint: "サブジェクトなしのロールは有効なトークンを持つ誰か、どちらもなければトークンなしの呼び出しです。", ask: "理由を調べる",
  whyEmpty: "質問してください", whyEmptyHint: "拒否の decision_id を貼り付けるか、誰が何をしたいかを入力してください。回答にはそれぞれ共有できるアドレスがあります。", notRecent: "この ID の最近の判断はありません", notRecentHint: "ここには最新の判断だけが、それを行ったワーカーに保持されます。すべては判断ログにあります。",
  recorded: "記録された内容", wasAllowed: "許可", wasRefused: "拒否", allowed: "許可", refused: "拒否", rejected: "受付不可", asOfNow: " – 現在有効なポリシーによる",
  allowed_by_rule: "ルールが許可しています。", denied_by_rule: "ルールが拒否しています。拒否はどの許可よりも優先されます。", denied_by_default: "許可するルールがないため拒否されます。", allowed_by_default: "拒否するルールがないため許可されます。", wayToRole: "ルールのロールまでの経路:", nearest: "もう少しで一致したルール", wouldNeed: "必要な違い:", otherWords: "ほかの語の場合", copyLink: "この回答へのリンクをコピー",
  draftLead: "編集すると何が変わるかを表示します。保存はされません。意図どおりになったらファイルをレビューに出してください。", draftText: "ポリシーの下書き", startAgain: "最初に戻す", download: "ダウンロード", copyPatch: "パッチとしてコピー", checking: "確認中…", checked: (revision) => `現在有効な ${revision} と比較しました。`,
  unreadable: (n) => `読み取れません: エラー ${n} 件`, differenceUnknown: "変更内容は分かりません", sameAsLive: "現在有効なものと同じです", errors: (n) => `エラー ${n} 件`, warnings: (n) => `警告 ${n} 件`, testsHold: (held, all) => `テスト ${all} 件中 ${held} 件が成立`, flips: (n, all) => `最近の呼び出し ${all} 件中 ${n} 件の結果が変わる`,
  problems: "問題", newAccess: "新しく許可されるもの", lessAccess: "許可されなくなるもの", gains: "追加", loses: "削除", peopleAndNames: "個人と名前", becomes: "が次のロールになる:", isNoLonger: "が次のロールでなくなる:", newName: "新しい名前", meant: "こちらの間違いではありませんか", doesNothing: "この行は何も変えません:", failingTests: "失敗するテスト", wouldHaveBeen: "結果が変わる最近の呼び出し", nowAllowed: "許可されるようになる", nowRefused: "拒否されるようになる",
  questions: "あなたの質問", questionsHint: "保存され、変更のたびに確認します。", keep: "追加する", cannotTell: "判断できない", forgetIt: "この質問を削除",
  liveLead: "判断をその場で表示します。メールアドレスとトークンは含まれません。", lastHour: "直近 1 時間", filter: "絞り込み", refusedOnly: "拒否だけ", withoutOwn: "このコンソール自身の呼び出しを除く", pause: "一時停止", goOn: "再開", waitingLines: (n) => `一時停止中、${n} 件待ち`, streaming: "ライブ", nothingYet: "まだありません。このサービスへのリクエストが判断されるとここに表示されます。", gap: (n) => `速すぎて表示できなかった判断が ${n} 件あります`,
  reconnecting: "接続が切れました。再接続しています…", end_token_expired: "終了: サインインの有効期限が切れました", end_access_denied: "終了: ポリシーで許可されなくなりました", end_stopping: "終了: サービスが停止します", oneWorker: (n) => `${n} 個のワーカーのうち 1 個の数値です。`,
  unused: (n, all) => `ルール ${all} 件中 ${n} 件はまだ何も判断していません`, unusedHint: (since) => `${since} 以降、このワーカーでの数です。月に一度のためのルールも無駄ではありません。rbac unused は全ログを読みます。`,
  statusLead: "何が有効か、周囲の各部がどうなっているかを示します。", inForce: "有効なポリシー", newerRefused: "新しい文書は拒否されました", judging: "新しい文書を確認中です", current: "最新の文書です", lastGood: "最後の正常な文書で起動しました", since: "開始", gate: "ゲート", store: "保存先", storeVersion: (n) => `バージョン ${n}`, tests: "テスト", reloads: "再読み込み", reloadsOf: (n, refused) => `${n} 回、拒否 ${refused} 回`, whyRefused: "新しい文書が拒否された理由", warningsTitle: "有効な文書への警告",
  keys: "発行者の鍵", keysFresh: "取得済みで最新です", keysStale: "取得済みですが、直近の取得に失敗しました", keysUnknown: "未取得です", age: "経過", log: "判断ログ", logWorks: "書き込めています", logFails: "書き込めません", to: "出力先", written: "書き込み済み", pending: "待機", lost: "欠落", shadow: "シャドーポリシー", compared: "比較数", wouldGrant: "許可になる数", wouldRevoke: "拒否になる数", service: "サービス", version: "バージョン", environment: "環境", workers: "ワーカー",
  danger: "危険", anyDanger: "指定なし", someDanger: "危険なもの", tooLarge: "このサービスが受け付ける大きさを超えています (LIMIT_BODY)。",
  anHourAgo: "1 時間前", now: "現在", most: (n) => `毎分最大 ${n} 件`, oneWorkerDecides: (n) => `${n} 個のワーカーのうち、応答した 1 個の判断です。すべては判断ログにあります。`,
  newAccessNone: "新しい許可はありません。これまでできなかったことができるようになる人はいません", newAccessSome: (n, dangerous) => `新しい許可があります: ${n} 件${dangerous ? ` (うち危険なもの ${dangerous} 件)` : ""}`, newAccessUnknown: "新しい許可があるかどうかは分かりません", dangerous: (n) => `危険 ${n} 件`,
  changedLines: "変更された行", sameLines: "変更された行はありません。", moreLines: "ここに表示していない行があります。",
  draftLeadPublish: "編集すると何が変わるかを表示します。次のバージョンとして公開するまで保存されません。", begunWith: (base, live) => `バージョン ${base} から編集を始めました。その後バージョン ${live} が有効になっています。`,
  draftTooLarge: (size, limit) => `この下書きは ${mebibytes(size)} あり、サービスが受け付けるのは ${mebibytes(limit)} までです。運用者は LIMIT_BODY で上限を上げられます。内容は失われません。ダウンロードするか、ターミナルで rbac diff を使ってください。`,
  publish: (n) => `バージョン ${n} を公開`, publishAs: (n) => `バージョン ${n} として公開`, reason: "理由 (履歴に残ります)", publishHint: "すぐにすべてのレプリカがこれで判断します。あなたの名前で公開されます。",
  nothingToPublish: "公開するものがありません。最新のバージョンと同じです。", publishErrors: "エラーがあるものは公開されません。", publishTests: "テストに合格しないものは公開されません。", publishReason: "公開する前に理由を書いてください。", publishLook: "危険な変更を確認したことを示してください。", lookedAt: (n) => `危険な変更 ${n} 件を確認しました。意図したものです。`,
  published: (n) => `バージョン ${n} を公開しました`, publishedMeanwhile: "公開されていません。先に別の人が公開しました", yoursWouldChange: (n) => `あなたの変更がバージョン ${n} に与える違い`, goOnFrom: (n) => `自分の文面のままバージョン ${n} から続ける`, goesOnFrom: (n) => `文面をバージョン ${n} と比較しています。取り消すことになる内容を確認して、もう一度公開してください。`,
  versionN: (n) => `バージョン ${n}`, onBehalfOf: "依頼者", history: "履歴", noVersions: "まだ何も公開されていません。", newest: "最新", againOf: (n) => `バージョン ${n} の再公開`, olderVersions: "以前のバージョン", versionBefore: "1 つ前のバージョン", comparedWith: "比較対象", whatChanged: (old, now) => `バージョン ${old} から ${now} への変更`,
  rollBackTitle: (n) => `バージョン ${n} に戻す`, rollBackHint: (n) => `内容 (ルール、モデル、テスト、エンドポイント) をバージョン ${n} として公開し直します。何も削除されません。`, rollBack: (n, next) => `バージョン ${n} を ${next} として公開`, wouldChange: (n) => `バージョン ${n} からの変更点`, sameAsNewest: "最新のバージョンと同じ内容です。", lookAgain: "もう一度見る",
  replicas: "レプリカ", replica: "レプリカ", stateTitle: "状態", reportedAt: "最後の報告", behind: (n) => `${n} バージョン遅れ`, silent: "応答なし", replicasCurrent: (n, all, newest) => `${all} 個中 ${n} 個がバージョン ${newest}`, noReplicas: "まだ何を実行しているか報告したレプリカがありません。",
};
