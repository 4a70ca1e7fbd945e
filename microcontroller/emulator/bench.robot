*** Comments ***
Runs the firmware in Renode over an image of clips and checks its report. A bench with --emulator=renode leaves
setup.resc in its build folder; it names ELF, image and mailbox:

    renode-test microcontroller/emulator/bench.robot --variable SETUP:/absolute/path/to/setup.resc

*** Variables ***
${UART}                         sysbus.usart2
# Virtual seconds; one is 100 million instructions.
${TIMEOUT}                      600

*** Keywords ***
Load The Firmware
    Execute Command             include @${SETUP}
    Create Terminal Tester      ${UART}  timeout=${TIMEOUT}  defaultPauseEmulation=true
    Start Emulation

*** Test Cases ***
Should Run Every Clip And End Well
    Load The Firmware
    Wait For Line On Uart       FXP board=stm32f4 counter=tim2
    Wait For Line On Uart       CALIBRATION instructions=100000 ticks=100000
    Wait For Line On Uart       CLIP index=0 class=\\d+ score=-?\\d+ instructions=\\d+ logits=[0-9a-f]+ label=.+  treatAsRegex=true
    Wait For Line On Uart       SUMMARY clips=\\d+ min=\\d+ max=\\d+ mean=\\d+  treatAsRegex=true
    Wait For Line On Uart       END status=0

Should Have Executed At Least The Calibration
    Load The Firmware
    Wait For Line On Uart       END status=0
    ${text}=  Execute Command   sysbus.cpu ExecutedInstructions
    ${executed}=  Convert To Integer  ${text.strip()}
    # Loops of 50,000, 50,000 and 100,000 times two instructions.
    Should Be True              ${executed} > 400000
