# bash completion for kubectl-certs: asks the program itself.
_kubectl_certs() {
  local line=${COMP_LINE:0:COMP_POINT} directive=4 current lead word about
  local -a words=()
  COMPREPLY=()
  # The words as they are typed: bash cuts them at = and : too.
  read -r -a words <<<"$line"
  case $line in *[[:space:]]) words+=("") ;; esac
  current=${words[${#words[@]} - 1]}
  lead=${current%"${current##*[=:]}"}
  while IFS=$'\t' read -r word about; do
    case $word in
      :*) directive=${word#:} ;;
      *) COMPREPLY+=("${word#"$lead"}") ;;
    esac
  done < <(kubectl-certs complete -- "${words[@]:1}" 2>/dev/null)
  if ((directive & 32)); then
    compopt -o nosort 2>/dev/null
  fi
  if ! ((directive & 4)); then
    compopt -o default 2>/dev/null
  fi
  case ${COMPREPLY[0]-} in *= | */) compopt -o nospace 2>/dev/null ;; esac
}
complete -F _kubectl_certs kubectl-certs
