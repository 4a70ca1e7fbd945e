*** Comments ***
Runs the firmware in Renode 1.16 over an image of clips and checks its report, every logit code included. A bench with
--emulator=renode leaves setup.resc (ELF, image and mailbox) and expected.json (the exact interpreter's answers) in its
build folder, both of its last run:

    renode-test microcontroller/emulator/bench.robot --variable FOLDER:/absolute/path/to/the/folder

*** Settings ***
# ${CLIPS}: their number; @{CLIP_LINES}: a regular expression for each one's line.
Variables                       ${FOLDER}/expected.json

*** Variables ***
${UART}                         sysbus.usart2
# Virtual seconds; one is 100 million instructions.
${TIMEOUT}                      600

*** Keywords ***
Load The Firmware
    Execute Command             include @${FOLDER}/setup.resc
    Create Terminal Tester      ${UART}  timeout=${TIMEOUT}  defaultPauseEmulation=true
    # Else a test would wait for the next line until the time is up.
    Register Failing Uart String  ^FAULT kind=  treatAsRegex=true
    Register Failing Uart String  ^END status=[1-9]  treatAsRegex=true
    Start Emulation

*** Test Cases ***
Should Answer Every Clip As Expected And End Well
    Load The Firmware
    Wait For Line On Uart       ^FXP board=stm32f4 counter=tim2 .* clips=${CLIPS}$  treatAsRegex=true
    Wait For Line On Uart       CALIBRATION instructions=100000 ticks=100000
    FOR  ${line}  IN  @{CLIP_LINES}
        Wait For Line On Uart   ${line}  treatAsRegex=true
    END
    Wait For Line On Uart       ^SUMMARY clips=${CLIPS} min=\\d+ max=\\d+ mean=\\d+  treatAsRegex=true
    Wait For Line On Uart       END status=0

Should Have Executed At Least The Calibration
    Load The Firmware
    Wait For Line On Uart       END status=0
    ${text}=  Execute Command   sysbus.cpu ExecutedInstructions
    ${executed}=  Convert To Integer  ${text.strip()}
    # Loops of 50,000, 50,000 and 100,000 times two instructions.
    Should Be True              ${executed} > 400000
